# SPDX-License-Identifier: MIT
"""page.py FILE... - the pages of "mmun check --format html", as strictly as they are written:
UTF-8, each element closed where it should be, each attribute quoted once, ids unique and
linked to, one script and one style, and nothing that is loaded from elsewhere."""
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "input", "img", "link"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.wrong = [], set(), [], []
        self.count = {}

    def fail(self, what):
        self.wrong.append("%d: %s" % (self.getpos()[0], what))

    def handle_starttag(self, tag, attrs):
        names = [name for name, value in attrs]
        self.count[tag] = self.count.get(tag, 0) + 1
        if len(set(names)) != len(names) or any(re.search(r"[^a-z-]", name) for name in names):
            self.fail("attributes of %s: %s" % (tag, names))
        for name, value in attrs:
            if name == "id":
                if value in self.ids:
                    self.fail("id %s twice" % value)
                self.ids.add(value)
            if name == "href":
                self.links.append(value)
            if name in ("src", "srcset", "data", "action") or name.startswith("on"):
                self.fail("%s of %s" % (name, tag))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.fail("</%s> ends nothing" % tag)

    def handle_comment(self, data):
        self.fail("a comment: " + data)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style" and re.search(r"url\(|@import", data):
            self.fail("a style that loads something")


def check(name):
    page = Page()
    with open(name, encoding="utf-8", errors="strict") as f:
        page.feed(f.read())
    page.close()
    if page.open:
        page.fail("not closed: %s" % page.open)
    for link in page.links:
        if not link.startswith("#") or link[1:] not in page.ids:
            page.fail("a link to " + link)
    for tag in ("html", "head", "body", "title", "style", "script"):
        if page.count.get(tag) != 1:
            page.fail("%s %s" % (page.count.get(tag), tag))
    for wrong in page.wrong:
        print("%s:%s" % (name, wrong))
    return not page.wrong


sys.exit(not all([check(name) for name in sys.argv[1:]]))
