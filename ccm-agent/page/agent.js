"use strict";
/* The page of mams-ccm, for whoever sits at this computer: asks its daemons what mamsctl asks.  parts.js and
 * graph.js come first. */

const samples = []; /* {at, octets by link} of the last second: rates are what came and went meanwhile */
const RATE_MS = 900;
let hasTrailer = false; /* a mams-trailer is there: it is asked, too */

function ask(daemon) {
	return askCtl(`/ctl?of=${daemon}`, "status_req", {}, 5000).then((a) => a.said);
}

/* ---- what is wrong ---- */

const STATES = {
	IDLE: "not begun",
	ACTIVE: "in effect",
};

function linkTrouble(l, s) {
	if (!l.up)
		return `${l.name} is down.`;
	if (l.silent)
		return `${l.name} is up, but nothing comes back over it.`;
	if (l.fading)
		return `The signal of ${l.name} fades: the others carry.`;
	if (s.state === "ACTIVE" && !l.admitted)
		return `${l.name} is up, but the network has not set it up: nothing uses it.`;
	return null;
}

function troubles(s) {
	const wrong = s.links.map((l) => linkTrouble(l, s));
	if (s.state !== "ACTIVE")
		wrong.push(`There is no session with the network (${s.state}): this computer uses one link, as without MAMS.`);
	else if (!s.madp_reachable)
		wrong.push("The network's gateway for connections cannot be reached: connections go without it.");
	const proxied = s.anchors.some((a) => a.method === "MPTCP_Proxy");
	const tunnelled = s.anchors.some((a) => a.method === "GMA");
	if (proxied && !s.proxy_up)
		wrong.push("mams-proxy does not run: TCP uses one link.");
	if (proxied && !s.plugin_up)
		wrong.push("mptcpd with the plugin mams_pm does not run: TCP uses one link.");
	if (tunnelled && s.trailer_up === false)
		wrong.push("mams-trailer does not run: UDP and other traffic use one link.");
	return wrong.filter(Boolean);
}

/* ---- links ---- */

function rates(s, at) {
	const now = new Map(s.links.map((l) => [l.name, { down: l.rx_bytes, up: l.tx_bytes }]));
	while (samples.length > 1 && samples[1].at <= at - RATE_MS)
		samples.shift();
	const then = samples[0] || { at, octets: now };
	const rate = (name, way) => at - then.at < RATE_MS || !then.octets.has(name) ? 0
		: Math.max(0, now.get(name)[way] - then.octets.get(name)[way]) * 8000 / (at - then.at);
	samples.push({ at, octets: now });
	return new Map([...now.keys()].map((name) => [name, { down: rate(name, "down"), up: rate(name, "up") }]));
}

function methods(l, s) {
	const listed = s.anchors.filter((a) => [...a.dl, ...a.ul].includes(l.name));
	return [...new Set((listed.length > 0 ? listed : s.anchors).map((a) => a.method))].join(", ") || "none";
}

/* Of the tunnel where there is one, else of TCP: its round trip, halved.  TCP at this end tells no loss. */
function quality(l, tunnel) {
	const t = tunnel && tunnel.links.find((x) => x.connection_id === l.connection_id);
	const rtt = t && t.rtt_us > 0 ? t.rtt_us : l.rtt_us;
	const kind = t && (t.client_nat ? "Client_NAT" : t.dtls !== undefined ? "UDP_with_DTLS"
		: t.ipsec ? "IPsec" : "UDP_without_DTLS");
	return {
		delay: rtt === undefined ? "–" : `${(rtt / 2000).toFixed(1)} ms`,
		loss: t && t.rx_packets > 0 ? `${(t.lost / (t.lost + t.rx_packets) * 100).toFixed(2)} %` : "–",
		adaptation: [l.adaptation, kind].filter(Boolean).join(", ") || "none",
	};
}

function fillLink(card, l, all) {
	const r = all.rates.get(l.name);
	const sum = (way) => [...all.rates.values()].reduce((n, x) => n + x[way], 0);
	const q = quality(l, all.tunnel);
	const kind = !l.up || l.silent ? "bad" : l.admitted && !l.fading ? "good" : "warn";
	const [name, state] = card.querySelector("h3").children;
	set(name, l.name);
	set(state, !l.up ? "down" : l.silent ? "silent" : l.fading ? "fading" : l.admitted ? "up" : "not set up");
	style(state, `badge ${kind}`);
	style(card, kind === "bad" ? "card bad" : "card");
	const [down, up] = card.querySelector(".rates").children;
	set(down, `↓ ${rate(r.down)}`);
	set(up, `↑ ${rate(r.up)}`);
	useGraph(card, `Link ${l.name}`, card.querySelector(".rates")).add(all.at, r.down, r.up);
	facts(card.querySelector("dl"), [
		["Carries", carries(l)],
		["Share, down / up", `${percent(r.down, sum("down"))} / ${percent(r.up, sum("up"))}`],
		["Delay, one way", q.delay],
		["Loss", q.loss],
		["Method", methods(l, all.status)],
		["Adaptation", q.adaptation],
		["Type", l.type],
		["Interface", l.interface || "–"],
		["Address", l.address || "–"],
	]);
}

/* ---- session, daemons ---- */

function upDown(up, without) {
	return up === undefined ? without : up ? "connected" : "not connected";
}

function showSession(s) {
	facts($("session"), [
		["State", STATES[s.state] || s.state],
		["NCM", s.ncm || "none"],
		["Over", s.transport || "–"],
		["Number", s.session_id ? `${s.session_id} at NCM ${s.ncm_id}` : "–"],
		["Gateway (N-MADP)", s.state !== "ACTIVE" ? "–" : s.madp_reachable ? "reachable" : "not reachable"],
		["Methods agreed", s.convergence.join(", ") || "none"],
		["Features agreed", s.features.join(", ") || "none"],
		["Fell away", s.dropped.map((d) => `${d.item}: ${d.reason}`).join("; ") || "nothing"],
	]);
	facts($("here"), [
		["mams-proxy (TCP)", upDown(s.proxy_up)],
		["mptcpd, plugin", upDown(s.plugin_up)],
		["mams-trailer (other traffic)", upDown(s.trailer_up, "not wanted")],
	]);
}

async function look() {
	const [status, trailer] = await Promise.all([ask("ccm"), hasTrailer && ask("trailer").catch(() => null)]);
	const began = performance.now();
	const at = Date.now();
	const wrong = troubles(status);
	const tunnel = trailer && trailer.sessions[0];
	hasTrailer = status.trailer_up === true;
	const all = { at, status, tunnel, rates: rates(status, at) };
	showVerdict(wrong, wrong.length);
	list($("links"), status.links, linkCard, (card, l) => fillLink(card, l, all));
	showSession(status);
	set($("version"), status.version);
	set($("uptime"), `up for ${duration(status.uptime_ms)}`);
	drawGraphs(at);
	document.body.dataset.script_ms = (performance.now() - began).toFixed(1);
}

startClock(clock(look));
