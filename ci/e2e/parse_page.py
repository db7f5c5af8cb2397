"""Reads a page from standard input with the official Python parser of its form, and prints its families and how many
samples each has, as JSON. Ends with the parser's own error where it finds one."""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

parse = {"text": parser, "openmetrics": openmetrics}[sys.argv[1]].text_string_to_metric_families
print(json.dumps({family.name: len(family.samples) for family in parse(sys.stdin.read())}))
