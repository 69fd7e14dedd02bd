from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from invented import figures_of, results

from harness.report.page import page
from harness.report.suite_report import SuiteReport
from harness.store.origins import SplitOrigin


class Tags(HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_from_elsewhere(rendered: SuiteReport) -> None:
    assert rendered.page is not None
    text = rendered.page.read_text(encoding="utf-8")
    for _, attributes in Tags(text).found:
        for key in ("src", "href"):
            assert (attributes.get(key) or "#").startswith(("data:", "#"))
    assert "url(" not in text


def test_the_page_shows_names_and_reasons_as_text(rendered: SuiteReport) -> None:
    assert rendered.page is not None
    text = rendered.page.read_text(encoding="utf-8")
    assert "script" not in {tag for tag, _ in Tags(text).found}
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_tells_profile_and_provenance(rendered: SuiteReport) -> None:
    assert rendered.page is not None
    text = rendered.page.read_text(encoding="utf-8")
    for told in (
        "Small profile: not the paper&#39;s scale",
        "Test CPU",
        "Python 3.11.7, Linux x86_64",
        "torch 2.14.1",
        "<dt>Trained in</dt><dd>float32</dd>",
        "<dt>Evaluated in</dt><dd>float32</dd>",
        "c" * 40 + "+changes",
        "a" * 16,
    ):
        assert told in text
    assert "harness run-suite study --profile small" in text
    assert "epoch 1, step 3: loss is nan" in text


def test_the_page_says_how_to_cite_in_the_words_of_the_citation_file(rendered: SuiteReport) -> None:
    assert rendered.page is not None
    [told] = re.findall("<dt>How to cite</dt><dd>(.*)</dd>", rendered.page.read_text(encoding="utf-8"))
    citation = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    for name, given in re.findall(r"^ *-? ?(title|version|family-names|year|value): (.*)$", citation, re.MULTILINE):
        assert given in told, name


def test_stand_ins_are_told_apart_from_generated_images() -> None:
    given = results()
    stand_in = SplitOrigin(
        name="cifar100", split="train", sha256="ef" * 32, n=9, generated=True, origin="stand-in: patterns"
    )
    marked = replace(given, origins=replace(given.origins, data=(*given.origins.data, stand_in)))
    assert marked.remark == "Stand-ins: cifar100. Generated images: cifar10-c."
    text = page(marked, [], [], {})
    assert f'<dd class="generated">{marked.remark}</dd>' in text
    assert '<td class="generated">stand-in: patterns</td>' in text


def test_curves_that_begin_at_other_images_than_the_clean_accuracy_say_so() -> None:
    given = results(epochs=2)
    fewer = replace(given, images=given.images.assign(n=given.images["n"].mask(given.images["kind"] != "clean", 1000)))
    told = "Clean accuracy is of 10000 images, accuracies by ε of 1000"
    assert page(fewer, [], figures_of(fewer)[:2], {"figure-curves": b"", "figure-boundary": b""}).count(told) == 2
    assert told not in page(given, [], figures_of(given)[:1], {"figure-curves": b""})
