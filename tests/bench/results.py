"""What tests/bench/run has measured: lines of metric, contender and value."""
import collections


def read(path):
    """metric -> contender -> its values, in the order of the rounds"""
    values = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(path, encoding="ascii") as lines:
        for line in lines:
            metric, who, value = line.split()
            values[metric][who].append(float(value))
    return values
