"""What a cell prints is one text: myst-nb ends a line wherever the kernel happened to cut it."""


def joined(outputs):
    """Return a cell's outputs, all that it wrote to one stream in the place of the first of it."""
    streams, found = {}, []
    for output in outputs:
        if output["output_type"] != "stream":
            found.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = output.copy()
            found.append(streams[output["name"]])
    return found


def setup(app):
    """Join the outputs before myst-nb does."""
    from myst_nb.core import render

    theirs = render.coalesce_streams
    render.coalesce_streams = lambda outputs: theirs(joined(outputs))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
