"""Many calls of one action: from a list or a file, within a limit of spending, on one machine or on Ray."""

from .options import MAX_CONCURRENCY, BulkOptions
from .output import Output, OutputRefused, written_answers
from .rows import GivenRow, Id, InvalidRows, Row, Source, json_lines, rows_of
from .run import BulkAnswer, BulkRun
from .summary import Summary

__all__ = [
    "MAX_CONCURRENCY",
    "BulkAnswer",
    "BulkOptions",
    "BulkRun",
    "GivenRow",
    "Id",
    "InvalidRows",
    "Output",
    "OutputRefused",
    "Row",
    "Source",
    "Summary",
    "json_lines",
    "rows_of",
    "written_answers",
]
