# Keeps the pace of a training loop: reports, checkpoint times, and the better number of threads.

import time

import numpy as np
import torch


class Clock:
    """Means and speed between reports, and when the next checkpoint is due."""

    def __init__(self, interval):
        self.interval, self.lapped = interval, time.time()
        self.restart()

    def restart(self):
        self.shown = self.saved = time.time()
        self.sums, self.steps, self.samples = np.zeros(2), 0, 0

    def count(self, values, samples):
        self.sums += values
        self.steps += 1
        self.samples += samples

    def report(self, title):
        first, second = self.sums / self.steps
        speed = self.samples / (time.time() - self.shown)
        print(f"{title} means {first:.4f} {second:.4f} {speed:.1f} samples/s", flush=True)
        self.shown, self.sums, self.steps, self.samples = time.time(), np.zeros(2), 0, 0

    def due(self):
        return time.time() - self.saved > self.interval

    def lap(self):
        """Seconds since the last call."""
        before, self.lapped = self.lapped, time.time()
        return self.lapped - before


class Threads:
    """Tries one thread and all threads now and then and goes on with the quicker choice.

    On a machine that is busy with other work several threads wait for each other most of the time:
    measured with four times as many runnable tasks as cores, one thread is three times quicker."""

    TRIAL, PERIOD = 6, 150  # steps of a trial; seconds between trials

    def __init__(self, most):
        self.choices = sorted({1, most})
        self.speeds, self.trial, self.decided = [], None, 0.0
        self.begin = time.time()

    def count(self, samples):
        """Called after every step with its number of samples."""
        if len(self.choices) == 1:
            return
        if self.trial is None:
            if time.time() - self.decided > self.PERIOD:
                self.speeds, self.trial = [], 0
                self.start_trial()
            return
        self.steps += 1
        if self.steps < self.TRIAL:
            return
        self.speeds.append(samples / (time.time() - self.begin))
        self.trial += 1
        if self.trial < len(self.choices):
            self.start_trial()
            return
        torch.set_num_threads(self.choices[int(np.argmax(self.speeds))])
        self.trial, self.decided = None, time.time()

    def start_trial(self):
        torch.set_num_threads(self.choices[self.trial])
        self.begin, self.steps = time.time(), 0
