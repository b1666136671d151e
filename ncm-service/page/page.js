"use strict";
/* The status page of mams-ncm: asks what mamsctl asks, and draws what is on the screen.  parts.js and graph.js
 * come first. */

const PAGE = 25; /* sessions shown at a time */
const EVENTS_KEPT = 200;
const FRESH_MS = 3000; /* N-MADP instances tell once a second what links with traffic carry */

const view = { skip: 0, client: "", troubled: false, chosen: null, operator: false, ticks: 0, lastEvent: 0 };

async function ask(type, members) {
	const { said, role } = await askCtl("/ctl", type, members, type === "steer" ? 70000 : 10000);
	view.operator = role === "operator";
	return said;
}

/* bit/s of one direction of a link */
function used(way) {
	return way && way.age_ms < FRESH_MS ? way.used_kbps * 1000 : 0;
}

function measure(link, of) {
	return ["dl_quality", "ul_quality"].map((w) => link[w] && of(link[w])).map((t) => t || "–").join(" / ");
}

/* ---- what is wrong ---- */

function trouble(s) {
	const words = [];
	if (s.state !== "ACTIVE")
		words.push(`signalling is in ${s.state}`);
	for (const l of s.links) {
		if (l.name === "-")
			words.push(`a ${l.type} link is not admitted`);
		else if (!l.up)
			words.push(`${l.name} is down`);
	}
	for (const a of s.anchors)
		if (a.refused)
			words.push(`no N-MADP instance for ${a.name || a.connection_id}`);
	return words.join(", ");
}

function showWrong(status, troubled) {
	const wrong = [];
	for (const m of status.madps)
		if (!m.proxy_up)
			wrong.push(`N-MADP ${m.name} is not connected (${m.state})`);
		else if (m.capacity > 0 && m.used >= m.capacity)
			wrong.push(`N-MADP ${m.name} is full: ${m.used} of ${m.capacity}`);
	for (const a of status.accesses || [])
		if (a.down > a.up && a.down > 1)
			wrong.push(`Access ${a.name}: ${a.down} of ${a.up + a.down} links are down`);
	for (const s of troubled)
		wrong.push(`Client ${s.client}: ${trouble(s)}`);
	const more = status.sessions_troubled - troubled.length;
	const n = wrong.length + Math.max(more, 0);
	if (more > 0)
		wrong.push(`and ${more} more sessions`);
	showVerdict(wrong, n);
}

/* ---- accesses and instances ---- */

function accessCard() {
	return make("div", "card", make("h3", "", make("span"), make("span", "badge")), make("div", "rates",
		make("span", "d"), make("span", "u")));
}

/* Whatever comes down is acknowledged: no uplink at all means that it is not measured (TCP). */
function uplink(down, up) {
	return up === 0 && down > 0 ? "–" : rate(up);
}

function fillRates(node, down, up) {
	set(node.children[0], `↓ ${rate(down)}`);
	set(node.children[1], `↑ ${uplink(down, up)}`);
}

function showAccesses(accesses, now) {
	list($("accesses"), accesses, accessCard, (card, a) => {
		const [name, state] = card.querySelector("h3").children;
		set(name, a.name);
		set(state, `${a.up} up, ${a.down} down`);
		style(state, `badge ${a.down > a.up ? "bad" : a.down > 0 ? "warn" : "good"}`);
		fillRates(card.querySelector(".rates"), a.dl_kbps * 1000, a.ul_kbps * 1000);
		useGraph(card, `Access ${a.name}`, card.querySelector(".rates")).add(now, a.dl_kbps * 1000,
			a.ul_kbps * 1000);
	});
}

function madpCard() {
	const meter = make("meter");
	meter.min = 0;
	return make("div", "card", make("h3", "", make("span"), make("span", "badge")), meter, make("p"));
}

function showMadps(madps) {
	list($("madps"), madps, madpCard, (card, m) => {
		const [name, state] = card.querySelector("h3").children;
		const meter = card.querySelector("meter");
		set(name, m.name);
		set(state, m.drained ? "drained" : m.proxy_up ? "up" : m.state);
		style(state, `badge ${!m.proxy_up ? "bad" : m.drained ? "warn" : "good"}`);
		meter.hidden = m.capacity === 0;
		meter.max = m.capacity || 1;
		meter.value = m.used;
		meter.setAttribute("aria-label", `Load of ${m.name}`);
		set(card.querySelector("p"), `Anchor connections: ${m.used}`
			+ (m.capacity ? ` of ${m.capacity}` : ", no limit"));
	});
}

/* ---- sessions ---- */

function sessionRow() {
	const name = make("button", "name");
	name.type = "button";
	name.title = "Show this session";
	name.addEventListener("click", () => choose(name.dataset.session, true));
	return make("tr", "", make("td", "", name), make("td", "", badge("", "")), make("td"), make("td", "n"),
		make("td", "n"));
}

function linkKind(l) {
	return !l.up ? "bad" : l.admitted ? "good" : "warn";
}

function fillRow(row, s) {
	const [name, state, links, down, up] = row.children;
	set(name.firstChild, s.client);
	name.firstChild.dataset.session = String(s.session_id);
	set(state.firstChild, s.state);
	style(state.firstChild, `badge ${s.state === "ACTIVE" ? "good" : "warn"}`);
	list(links, s.links, () => badge("", ""), (b, l) => {
		set(b, `${l.name === "-" ? l.type : l.name} ${l.up ? "up" : "down"}`);
		style(b, `badge ${linkKind(l)}`);
	});
	const sum = (w) => s.links.reduce((n, l) => n + used(l[w]), 0);
	set(down, rate(sum("dl_quality")));
	set(up, uplink(sum("dl_quality"), sum("ul_quality")));
	style(row, String(s.session_id) === view.chosen ? "chosen" : "");
}

function showSessions(status) {
	const n = status.sessions.length;
	list($("rows"), status.sessions, sessionRow, fillRow);
	const total = view.troubled ? status.sessions_troubled : status.sessions_total;
	const none = view.client ? `No session of ${view.client}` : "No sessions";
	set($("where"), n === 0 ? none : view.client ? `${n} found`
		: `${view.skip + 1} to ${view.skip + n} of ${total}`);
	$("before").disabled = view.skip === 0;
	$("next").disabled = !status.more;
	if (n === 0 && view.skip > 0)
		view.skip = 0;
	if (!view.chosen && status.sessions_total === 1 && n === 1)
		choose(String(status.sessions[0].session_id), false);
}

/* ---- one session ---- */

function choose(session, focus) {
	view.chosen = session;
	$("detail").hidden = false;
	set($("said"), "");
	set($("why"), "");
	$("steer").dataset.session = "";
	if (focus) {
		$("detail").focus();
		$("detail").scrollIntoView({ block: "start" });
	}
	tick();
}

function fillLink(card, s, l, now) {
	const sum = (w) => s.links.reduce((n, x) => n + used(x[w]), 0);
	const down = used(l.dl_quality);
	const up = used(l.ul_quality);
	const listed = s.anchors.filter((a) => [...a.dl, ...a.ul].includes(l.name));
	const methods = (listed.length > 0 ? listed : s.anchors).map((a) => a.method);
	const [name, state] = card.querySelector("h3").children;
	set(name, `${l.name === "-" ? l.type : l.name}`);
	set(state, !l.up ? "down" : l.admitted ? "up" : "not set up");
	style(state, `badge ${linkKind(l)}`);
	style(card, l.up ? "card" : "card bad");
	fillRates(card.querySelector(".rates"), down, up);
	useGraph(card, `Link ${l.name} of ${s.client}`, card.querySelector(".rates")).add(now, down, up);
	facts(card.querySelector("dl"), [
		["Carries", carries(l)],
		["Share, down / up", `${percent(down, sum("dl_quality"))} / ${percent(up, sum("ul_quality"))}`],
		["Delay, down / up", measure(l, (q) => q.delay_us !== undefined && `${(q.delay_us / 1000).toFixed(1)} ms`)],
		["Loss, down / up", measure(l, (q) => q.loss_ppm !== undefined && `${(q.loss_ppm / 1e4).toFixed(2)} %`)],
		["Method", [...new Set(methods)].join(", ") || "none"],
		["Adaptation", l.adaptation || "none"],
		["Type", l.type],
		["Address", l.address || "–"],
	]);
}

function fillSteer(s) {
	const anchors = s.anchors.filter((a) => a.method !== "none");
	const links = s.links.filter((l) => l.name !== "-").map((l) => l.name);
	const key = JSON.stringify([s.session_id, anchors.map((a) => a.name), links]);
	$("steer").hidden = !view.operator || anchors.length === 0;
	if ($("steer").dataset.session === key)
		return; /* what somebody is about to choose stays */
	$("steer").dataset.session = key;
	$("anchor").replaceChildren(...anchors.map((a) => new Option(`${a.name} (${a.method})`, a.name)));
	for (const way of ["dl", "ul"])
		$(way).replaceChildren(...links.map((name) => {
			const box = document.createElement("input");
			box.type = "checkbox";
			box.value = name;
			box.checked = anchors.length > 0 && anchors[0][way].includes(name);
			return make("label", "", box, ` ${name}`);
		}));
}

function showDetail(status, now) {
	const s = status.sessions[0];
	$("detail").hidden = !view.chosen;
	if (!s) {
		set($("about"), "This session is over.");
		$("links").replaceChildren();
		$("steer").hidden = true;
		return;
	}
	set($("h-detail"), `Session of ${s.client}`);
	const steered = s.anchors.filter((a) => a.steered_by).map((a) => `${a.name} steered by ${a.steered_by}`);
	set($("about"), [`${s.session_id}`, `${s.state}`, `for ${duration(s.age_ms)}`, `over ${s.transport}`,
		s.madp ? `N-MADP ${s.madp}` : "no N-MADP", ...steered].join(" · "));
	list($("links"), s.links, linkCard, (card, l) => fillLink(card, s, l, now));
	fillSteer(s);
}

function showWhy(policy) {
	const texts = (policy.classes || []).map((c) => {
		const state = c.state === "held" ? `${c.name}: held, an operator has steered it\n`
			: c.why ? `${c.name}: ${c.state}, ${c.why}\n` : "";
		return state + (c.words || (state ? "" : `${c.name}: nothing has been decided yet`));
	});
	set($("why"), texts.join("\n").trim() || "No policy file: only operators steer.");
}

async function order(words, type, members) {
	set($("said"), `${words} …`);
	try {
		set($("said"), (await ask(type, { client: view.chosen, ...members })).text || "done");
	} catch (e) {
		set($("said"), `Not done: ${e.message}`);
	}
	$("steer").dataset.session = "";
	tick();
}

/* ---- events ---- */

function showEvents(said) {
	for (const e of said.events) {
		view.lastEvent = e.number;
		const time = make("time", "", new Date(e.time_ms).toLocaleTimeString());
		time.dateTime = new Date(e.time_ms).toISOString();
		$("events").prepend(make("li", e.level, time, e.level === "info" ? "" : `${e.level}: `,
			`${e.module}: ${e.text}`));
	}
	while ($("events").children.length > EVENTS_KEPT)
		$("events").lastElementChild.remove();
}

/* ---- the clock ---- */

async function look() {
	const second = view.ticks % 2 === 0;
	const [status, troubled, detail, events, why] = await Promise.all([
		second && ask("status_req", { skip: view.skip, limit: PAGE, ...(view.client && { client: view.client }),
			...(view.troubled && { troubled: true }) }),
		ask("status_req", { limit: 5, troubled: true }),
		view.chosen && ask("status_req", { limit: 1, client: view.chosen }),
		second && ask("events_req", { after: view.lastEvent }),
		view.chosen && view.ticks % 4 === 0 &&
			ask("policy", { client: view.chosen, automatic: false }).catch(() => ({ classes: [] })),
	]);
	const began = performance.now();
	const now = Date.now();
	showWrong(troubled, troubled.sessions);
	showAccesses(troubled.accesses || [], now);
	showMadps(troubled.madps);
	if (status)
		showSessions(status);
	if (detail)
		showDetail(detail, now);
	if (why)
		showWhy(why);
	if (events)
		showEvents(events);
	set($("version"), troubled.version);
	set($("uptime"), `up for ${duration(troubled.uptime_ms)}`);
	set($("role"), view.operator ? "· you may steer" : "· you may look");
	drawGraphs(now);
	document.body.dataset.script_ms = (performance.now() - began).toFixed(1);
	view.ticks++;
}

const tick = clock(look);

$("find").addEventListener("submit", (e) => {
	e.preventDefault();
	view.client = $("client").value.trim();
	view.skip = 0;
	view.ticks = 0;
	tick();
});
$("troubled").addEventListener("change", () => {
	view.troubled = $("troubled").checked;
	view.skip = 0;
	view.ticks = 0;
	tick();
});
$("before").addEventListener("click", () => {
	view.skip = Math.max(0, view.skip - PAGE);
	view.ticks = 0;
	tick();
});
$("next").addEventListener("click", () => {
	view.skip += PAGE;
	view.ticks = 0;
	tick();
});
$("steer").addEventListener("submit", (e) => {
	e.preventDefault();
	const chosen = (way) => [...$(way).querySelectorAll("input:checked")].map((b) => b.value);
	order("Steering", "steer", { anchor: $("anchor").value, dl: chosen("dl"), ul: chosen("ul") });
});
$("auto").addEventListener("click", () => order("Asking", "policy", { automatic: true }));
startClock(tick);
