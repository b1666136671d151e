"use strict";
/* Two lines over the last minute: downlink and uplink of a link or an access. */

const GRAPH_SECONDS = 60;

class Graph {
	constructor(what) {
		this.what = what;
		this.points = []; /* {at, down, up}: ms, bit/s */
		this.canvas = document.createElement("canvas");
		this.canvas.setAttribute("role", "img");
		this.canvas.setAttribute("aria-label", what);
	}

	add(at, down, up) {
		this.points.push({ at, down, up });
		while (this.points[0].at < at - GRAPH_SECONDS * 1000)
			this.points.shift();
		this.dirty = true;
	}

	top() {
		let most = 100e3;
		for (const p of this.points)
			most = Math.max(most, p.down, p.up);
		const step = 10 ** Math.floor(Math.log10(most));
		return Math.ceil(most / step) * step;
	}

	/* Only what is on the screen costs anything. */
	draw(now) {
		const box = this.canvas.getBoundingClientRect();
		if (!this.dirty || box.width === 0 || box.bottom < 0 || box.top > innerHeight)
			return;
		const dense = devicePixelRatio || 1;
		const w = Math.round(box.width * dense);
		const h = Math.round(box.height * dense);
		if (this.canvas.width !== w || this.canvas.height !== h) {
			this.canvas.width = w;
			this.canvas.height = h;
		}
		const c = this.canvas.getContext("2d");
		const style = getComputedStyle(this.canvas);
		const top = this.top();
		c.clearRect(0, 0, w, h);
		c.strokeStyle = style.getPropertyValue("--line");
		c.lineWidth = dense;
		c.strokeRect(dense / 2, dense / 2, w - dense, h - dense);
		for (const [key, colour, dash] of [["down", "--down", []], ["up", "--up", [4 * dense, 3 * dense]]]) {
			c.beginPath();
			c.strokeStyle = style.getPropertyValue(colour);
			c.lineWidth = 2 * dense;
			c.setLineDash(dash);
			for (const p of this.points)
				c.lineTo(w - (now - p.at) / (GRAPH_SECONDS * 1000) * w, h - 2 * dense - p[key] / top * (h - 4 * dense));
			c.stroke();
		}
		c.setLineDash([]);
		c.fillStyle = style.getPropertyValue("--soft");
		c.font = `${11 * dense}px system-ui, sans-serif`;
		c.textBaseline = "top";
		c.fillText(rate(top), 5 * dense, 4 * dense);
		const last = this.points[this.points.length - 1];
		this.canvas.setAttribute("aria-label",
			`${this.what}, last minute: downlink ${rate(last.down)}, uplink ${rate(last.up)} now`);
		this.dirty = false;
	}
}

function rate(bits) {
	if (bits >= 999.5e3)
		return `${(bits / 1e6).toFixed(bits >= 99.5e6 ? 0 : 1)} Mbit/s`;
	return `${Math.round(bits / 1e3)} kbit/s`;
}
