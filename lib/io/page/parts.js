"use strict";
/* What the status pages of mams-ncm and mams-ccm have in common: asking over ctl, and nodes that are made once
 * and filled again and again.  Text of the daemons' goes into text nodes only. */

const TICK_MS = 400;
const $ = (id) => document.getElementById(id);
const graphs = new Map(); /* by what they show */
let nextId = 1;

/* One ctl request, as mamsctl sends it.  Throws what is wrong, in words. */
async function askCtl(path, type, members, ms) {
	const answer = await fetch(path, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ ctl: 1, type, id: nextId++, ...members }),
		signal: AbortSignal.timeout(ms),
	});
	if (!answer.ok)
		throw new Error((await answer.text()).trim() || `the daemon answers ${answer.status}`);
	const said = await answer.json();
	if (said.type === "result" && said.code !== 0)
		throw new Error(said.text || `error ${said.code}`);
	return { said, role: answer.headers.get("MAMS-Role") };
}

function set(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

function style(node, name) {
	if (node.className !== name)
		node.className = name;
}

function make(tag, name, ...inside) {
	const node = document.createElement(tag);
	if (name)
		node.className = name;
	node.append(...inside);
	return node;
}

function badge(text, kind) {
	return make("span", `badge ${kind}`, text);
}

function graphOf(what) {
	let g = graphs.get(what);
	if (!g) {
		g = new Graph(what);
		graphs.set(what, g);
	}
	return g;
}

/* The children of a node, one for each item: made once, filled again and again. */
function list(node, items, build, fill) {
	while (node.children.length > items.length)
		node.lastElementChild.remove();
	items.forEach((item, i) => {
		if (!node.children[i])
			node.append(build());
		fill(node.children[i], item);
	});
}

function facts(node, pairs) {
	list(node, pairs.flat(), () => document.createElement("dd"), () => {});
	pairs.flat().forEach((text, i) => {
		const tag = i % 2 === 0 ? "DT" : "DD";
		if (node.children[i].tagName !== tag)
			node.children[i].replaceWith(document.createElement(tag));
		set(node.children[i], text);
	});
}

function duration(ms) {
	const s = Math.floor(ms / 1000);
	if (s < 120)
		return `${s} s`;
	if (s < 7200)
		return `${Math.floor(s / 60)} min`;
	return s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
}

function useGraph(card, what, before) {
	const g = graphOf(what);
	const old = card.querySelector("canvas");
	if (old !== g.canvas) {
		if (old)
			old.remove();
		before.before(g.canvas);
	}
	return g;
}

function linkCard() {
	return make("div", "card", make("h3", "", make("span"), make("span", "badge")),
		make("div", "rates", make("span", "d"), make("span", "u")), make("dl"));
}

function percent(part, whole) {
	return whole > 0 ? `${Math.round(part / whole * 100)} %` : "–";
}

function carries(l) {
	if (!l.up || !l.admitted)
		return "nothing";
	return [l.dl && "downlink", l.ul && "uplink"].filter(Boolean).join(" and ") || "backup";
}

/* wrong: sentences; n: how many there are, shown or not */
function showVerdict(wrong, n) {
	set($("verdict"), n === 0 ? "Nothing." : n === 1 ? "One thing:" : `${n} things:`);
	style($("verdict"), n === 0 ? "good" : "bad");
	list($("wrong"), wrong, () => make("li"), set);
}

function drawGraphs(now) {
	for (const g of graphs.values())
		if (g.canvas.isConnected)
			g.draw(now);
}

/* ---- the clock ---- */

/* A function that looks once, unless it is looking or nobody looks at us, and says whether it worked. */
function clock(look) {
	let looking = false;
	return async () => {
		if (looking || document.hidden)
			return;
		looking = true;
		try {
			await look();
			set($("live"), "live");
			style($("live"), "badge good");
		} catch (e) {
			set($("live"), `not live: ${e.message}`);
			style($("live"), "badge bad");
		}
		looking = false;
	};
}

function startClock(tick) {
	document.addEventListener("visibilitychange", tick);
	setInterval(tick, TICK_MS);
	tick();
}
