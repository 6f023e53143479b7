"""A language model under transformers' Trainer, its head's loss by `xent`, beside the model's own.

`compute_loss_func` is given what the model returns, the labels, and how many labels count in all batches of a
step: the divisor of the mean, however long the texts of each batch are. `logits_to_keep` leaves the model's
own logits at one place a text, and the loss takes what the head sees instead: the logits of the others are
made some rows at a time, and never stored.

    python examples/trainer.py

needs torch, transformers and accelerate. The model is a small GPT-2 that starts at random, the text sums.
"""

import argparse
import tempfile

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

import xent

LETTERS = "0123456789+=;"
PAD = -100


def texts(count=512):
    """Return sums such as 7+58=65; of several lengths, as numbers of letters."""
    pairs = np.random.default_rng(0).integers(0, 100, (count, 2)).tolist()
    return [{"input_ids": [LETTERS.index(c) for c in f"{a}+{b}={a + b};"]} for a, b in pairs]


def batch(rows, **given):
    """Return texts filled up to one length, and their labels, which say what was filled."""
    ids = [torch.tensor(row["input_ids"]) for row in rows]
    labels = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=PAD)
    return {"input_ids": labels.clamp(min=0), "labels": labels, **given}


def head_loss(model):
    """Return a `compute_loss_func`: the mean over the labels of a step, from what the head sees."""

    def loss(outputs, labels, num_items_in_batch=None):
        return xent.linear_cross_entropy(
            labels[:, 1:],
            outputs.hidden_states[-1][:, :-1],
            model.lm_head.weight,
            ignore_index=PAD,
            denominator=num_items_in_batch,
        )

    return loss


def train(steps, folder, *, own):
    """Return the loss of every step, of two batches each."""
    set_seed(0)
    shape = {"n_positions": 16, "n_embd": 64, "n_layer": 2, "n_head": 4}
    ends = {"bos_token_id": None, "eos_token_id": None}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(LETTERS), **shape, **ends))
    arguments = TrainingArguments(
        folder,
        max_steps=steps,
        learning_rate=3e-3,
        per_device_train_batch_size=16,
        gradient_accumulation_steps=2,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        remove_unused_columns=False,
        use_cpu=True,
    )
    kept = {"logits_to_keep": 1, "output_hidden_states": True}
    trainer = Trainer(
        model,
        arguments,
        data_collator=batch if own else lambda rows: batch(rows, **kept),
        train_dataset=texts(),
        compute_loss_func=None if own else head_loss(model),
    )
    trainer.train()
    return [float(line["loss"]) for line in trainer.state.log_history if "loss" in line]


def main():
    """Train with both losses, and print where each begins and ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=100, help="steps (%(default)s)")
    steps = parser.parse_args().steps
    for own in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            first, *_, last = train(steps, folder, own=own)
        print(f"{'its own' if own else 'xent':<8}{first:.6f} nats at first, {last:.6f} at last")


if __name__ == "__main__":
    main()
