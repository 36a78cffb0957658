/* SPDX-License-Identifier: MIT */
/*
 * page.js - the slider of a page of html.c. All that is shown is read from the page's own
 * tables, which say the same without it.
 */
"use strict";

function make(name, className, text) {
	const e = document.createElement(name);

	if (className)
		e.className = className;
	if (text !== undefined)
		e.textContent = text;
	return e;
}

/* The rows of a picture, in order. */
function readSteps(figure) {
	return Array.from(figure.querySelectorAll(".steps tbody tr"), (row) => ({
		row: row,
		number: Number(row.dataset.n),
		thread: row.dataset.thread,
		text: row.querySelector(".text").textContent,
		where: row.querySelector(".where").textContent,
	}));
}

/* What is watched: its name, and what it became at which step. */
function readItems(figure) {
	return Array.from(figure.querySelectorAll(".held tbody tr"), (row) => ({
		name: row.querySelector("th").textContent,
		idle: row.classList.contains("idle"),
		values: Array.from(row.querySelectorAll("[data-n]"), (value) => ({
			number: Number(value.dataset.n), text: value.querySelector("span").textContent,
		})),
	}));
}

function valueAt(item, number) {
	let text = "";

	for (const value of item.values)
		if (value.number <= number)
			text = value.text;
	return text;
}

function makeButton(text, label, click) {
	const button = make("button", "", text);

	button.type = "button";
	button.setAttribute("aria-label", label);
	button.title = label;
	button.addEventListener("click", click);
	return button;
}

function makeHeld(items) {
	const table = make("table", "held"), head = make("tr"), body = make("tbody");

	table.append(make("caption", "", "What was held"));
	for (const text of ["", "before the step", "after it"]) {
		const cell = make("th", "", text);

		cell.scope = "col";
		head.append(cell);
	}
	for (const item of items) {
		const name = make("th", "", item.name);

		name.scope = "row";
		item.row = make("tr");
		item.before = make("td");
		item.after = make("td");
		item.row.append(name, item.before, item.after);
		body.append(item.row);
	}
	table.append(make("thead"), body);
	table.tHead.append(head);
	return table;
}

/* Keep what was there for readers without the slider, and on paper. */
function foldAway(panel) {
	const all = make("details", "all"), table = panel.querySelector(".held");

	all.append(make("summary", "", "All changes"));
	panel.append(all);
	all.append(table);
}

function begin(figure) {
	const steps = readSteps(figure), items = readItems(figure);
	const panel = figure.querySelector(".panel");
	const found = steps.findIndex((s) => s.row.classList.contains("bad"));
	const range = make("input"), text = make("div", "step");
	const count = make("p", "", ""), what = make("p", "what"), place = make("p", "place");
	let now = -1;

	function show(index, scroll) {
		const s = steps[index];

		if (index < 0 || index >= steps.length)
			return;
		if (now >= 0)
			steps[now].row.classList.remove("now");
		now = index;
		s.row.classList.add("now");
		range.value = String(index + 1);
		range.setAttribute("aria-valuetext", s.number + ", " + s.thread + ": " + s.text);
		count.replaceChildren(make("small", "", "Step " + s.number + " of " +
			steps[steps.length - 1].number + ", in " + s.thread));
		what.textContent = s.text;
		place.textContent = s.where;
		back.disabled = index === 0;
		forth.disabled = index === steps.length - 1;
		for (const item of items) {
			const before = valueAt(item, s.number - 1), after = valueAt(item, s.number);

			item.before.textContent = before;
			item.after.textContent = after;
			item.row.className = before !== after ? "new" : item.idle ? "idle" : "";
		}
		if (scroll)
			s.row.scrollIntoView({ block: "nearest" });
	}
	const back = makeButton("‹", "Previous step", () => show(now - 1, true));
	const forth = makeButton("›", "Next step", () => show(now + 1, true));

	range.type = "range";
	range.min = "1";
	range.max = String(steps.length);
	range.step = "1";
	range.setAttribute("aria-label", "Step");
	range.addEventListener("input", () => show(Number(range.value) - 1, true));
	const control = make("div", "control");

	control.append(back, range, forth);
	if (found >= 0) {
		const jump = makeButton("found", "Go to the step that shows it", () => show(found, true));

		jump.className = "jump";
		control.append(jump);
	}
	text.append(count, what, place);
	if (items.length)
		foldAway(panel);
	panel.prepend(control, text);
	if (items.length)
		text.after(makeHeld(items));
	steps.forEach((s, index) => s.row.addEventListener("click", () => show(index, false)));
	figure.classList.add("live", "two");
	show(found >= 0 ? found : 0, false);
}

function openChanges() {
	for (const all of document.querySelectorAll("details.all"))
		all.open = true;
}

/* A link to a finding opens it. */
function openTarget() {
	const target = document.getElementById(location.hash.slice(1));

	if (target && target.tagName === "DETAILS")
		target.open = true;
}

document.querySelectorAll("figure").forEach(begin);
window.addEventListener("hashchange", openTarget);
window.addEventListener("beforeprint", openChanges);
openTarget();
