"""Reads the lines of a test program: `ok NAME` or `fail NAME: FILE:LINE: CONDITION`, then `done`."""

import re

import click
from platformio.public import TestCase, TestCaseSource, TestRunnerBase, TestStatus

RESULT = re.compile(r"^(ok|fail) (\w+)(?:: (.+):(\d+): (.*))?$")


class CustomTestRunner(TestRunnerBase):
    def on_testing_line_output(self, line: str) -> None:
        line = line.strip()
        if line == "done":
            self.test_suite.on_finish()
            return
        result = RESULT.match(line)
        if result is None:
            click.echo(line)
            return
        word, name, path, number, condition = result.groups()
        case = TestCase(
            name=name,
            status=TestStatus.PASSED if word == "ok" else TestStatus.FAILED,
            message=condition,
            source=TestCaseSource(path, int(number)) if path else None,
        )
        self.test_suite.add_case(case)
        click.echo(case.humanize())
