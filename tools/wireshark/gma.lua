-- Wireshark dissector: Generic Multi-Access encapsulation (RFC 9188) over UDP and as IP protocol
-- 114, and MX Control PDUs (RFC 8743 8.6).
--
-- Use:  tshark -X lua_script:gma.lua ...          or put it into Wireshark's plugin directory.
-- Ports, and what cannot be seen in a packet (form of protocol-114 PDUs, order of bits, header
-- optimization), are preferences: -o gma.udp_ports:6000 -o mxcontrol.udp_ports:9999
--
-- The packets inside are dissected, too.  A fragment of an SDU is shown as data.

-- Lua 5.2 has no operators for this
local band, rshift = bit.band, bit.rshift

local gma = Proto("gma", "Generic Multi-Access Encapsulation")
local mx = Proto("mxcontrol", "MX Control PDU")

gma.prefs.udp_ports = Pref.range("UDP ports of tunnels", "6000", "Ports of UDP tunnels that carry GMA PDUs", 65535)
gma.prefs.header_form = Pref.bool("Protocol 114 has a GMA header", false,
	"IPv4 PDUs with protocol 114 are header-based; else trailer-based")
gma.prefs.optimization = Pref.bool("Header optimization", false,
	"mx_header_optimization: IP length and checksum of PDUs are those of the SDU")
gma.prefs.fc_lsb_first = Pref.bool("FC counted from the least significant bit", false)
gma.prefs.plain_ip = Pref.bool("Dissect IP protocol 114", true)
mx.prefs.udp_ports = Pref.range("UDP ports", "9999", "Ports of MX Control PDUs", 65535)
mx.prefs.network_ports = Pref.range("UDP ports of N-MADPs", "",
	"A probe from one of these is a REQ, to one an ACK; where both ends use one port the addresses 192.0.0.1 and 192.0.0.2 tell", 65535)

-- fields ------------------------------------------------------------------------------------------

local function flag(abbr, name, position)
	return ProtoField.bool("gma.flags." .. abbr, name, 16, {"present", "absent"}, rshift(0x8000, position))
end

local f = {
	form = ProtoField.string("gma.form", "Encapsulation"),
	flags = ProtoField.uint16("gma.flags", "Flags", base.HEX),
	checksum_present = flag("checksum", "Checksum", 0),
	fsl_present = flag("concatenation", "Concatenation", 1),
	connection_present = flag("connection_id", "Connection ID", 2),
	flow_present = flag("flow_id", "Flow ID", 3),
	fc_present = flag("fragmentation", "Fragmentation", 4),
	delivery_present = flag("delivery_sn", "Delivery SN", 5),
	sn_present = flag("flow_sn", "Flow SN", 6),
	timestamp_present = flag("timestamp", "Timestamp", 7),
	ttl_present = flag("ttl", "TTL", 8),
	reserved = ProtoField.uint16("gma.flags.reserved", "Reserved", base.HEX, nil, 0x0078),
	version = ProtoField.uint16("gma.flags.version", "Version", base.DEC, nil, 0x0007),
	ttl = ProtoField.uint8("gma.ttl", "TTL of the SDU"),
	timestamp = ProtoField.uint32("gma.timestamp", "Timestamp (ms)"),
	flow_sn = ProtoField.uint24("gma.flow_sn", "Flow SN"),
	delivery_sn = ProtoField.uint8("gma.delivery_sn", "Delivery SN"),
	fc = ProtoField.uint8("gma.fc", "Fragmentation Control", base.HEX),
	fc_more = ProtoField.bool("gma.fc.more", "More Fragments"),
	fc_offset = ProtoField.uint8("gma.fc.offset", "Fragment Offset"),
	flow_id = ProtoField.uint8("gma.flow_id", "Flow ID"),
	connection = ProtoField.uint8("gma.connection_id", "Connection ID", base.HEX),
	anchor = ProtoField.uint8("gma.connection_id.anchor", "Anchor", base.DEC, nil, 0xf0),
	delivery = ProtoField.uint8("gma.connection_id.delivery", "Delivery", base.DEC, nil, 0x0f),
	fsl = ProtoField.uint16("gma.fsl", "First SDU Length"),
	checksum = ProtoField.uint8("gma.checksum", "Checksum", base.HEX),
	checksum_good = ProtoField.bool("gma.checksum.good", "Good"),
	next_header = ProtoField.uint8("gma.next_header", "Next Header"),
	fragment = ProtoField.bytes("gma.fragment", "Portion of an SDU"),
	sdus = ProtoField.uint32("gma.sdus", "SDUs"),
}
local list = {}
for _, field in pairs(f) do
	list[#list + 1] = field
end
gma.fields = list

local e = {
	short = ProtoExpert.new("gma.short", "PDU shorter than its flags demand", expert.group.MALFORMED, expert.severity.ERROR),
	version = ProtoExpert.new("gma.bad_version", "Unknown GMA version", expert.group.MALFORMED, expert.severity.ERROR),
	reserved = ProtoExpert.new("gma.bad_flag", "Reserved flag is set", expert.group.MALFORMED, expert.severity.ERROR),
	form = ProtoExpert.new("gma.bad_form", "Field that this encapsulation excludes or lacks", expert.group.MALFORMED, expert.severity.ERROR),
	checksum = ProtoExpert.new("gma.bad_checksum", "Wrong GMA checksum", expert.group.CHECKSUM, expert.severity.ERROR),
	fsl = ProtoExpert.new("gma.bad_fsl", "First SDU Length outside the payload", expert.group.MALFORMED, expert.severity.ERROR),
	fsl_fc = ProtoExpert.new("gma.bad_fsl_fc", "Concatenation and fragmentation in one PDU", expert.group.MALFORMED, expert.severity.ERROR),
	no_sn = ProtoExpert.new("gma.no_sn", "Fragment without Flow SN", expert.group.MALFORMED, expert.severity.ERROR),
	length = ProtoExpert.new("gma.bad_length", "IP length disagrees with the PDU", expert.group.MALFORMED, expert.severity.ERROR),
	ip = ProtoExpert.new("gma.bad_ip", "SDU is no whole IP packet", expert.group.MALFORMED, expert.severity.ERROR),
}
local experts = {}
for _, item in pairs(e) do
	experts[#experts + 1] = item
end
gma.experts = experts

local ip_dissector = Dissector.get("ip")
local ipv6_dissector = Dissector.get("ipv6")
local data_dissector = Dissector.get("data")
local ip_header_len = Field.new("ip.hdr_len")

-- GMA header and trailer ----------------------------------------------------------------------------

local FLAG = {
	checksum = 0x8000, fsl = 0x4000, connection = 0x2000, flow = 0x1000, fc = 0x0800,
	delivery = 0x0400, sn = 0x0200, timestamp = 0x0100, ttl = 0x0080,
}
-- in the order of figure 4
local ORDER = {
	{"ttl", 1}, {"timestamp", 4}, {"sn", 3}, {"delivery", 1}, {"fc", 1}, {"flow", 1},
	{"connection", 1}, {"fsl", 2}, {"checksum", 1},
}

local function has(flags, name)
	return band(flags, FLAG[name]) ~= 0
end

-- ip: protocol-114 form, with Next Header
local function gma_size(flags, ip)
	local size = ip and 3 or 2
	for _, field in ipairs(ORDER) do
		if has(flags, field[1]) then
			size = size + field[2]
		end
	end
	return size
end

local function checksum_good(range)
	local sum = 0
	for i = 0, range:len() - 1 do
		sum = sum + range(i, 1):uint()
	end
	while sum > 255 do
		sum = band(sum, 255) + rshift(sum, 8)
	end
	return sum == 255
end

local function add_flags(tree, range)
	local sub = tree:add(f.flags, range)
	for _, name in ipairs({"checksum_present", "fsl_present", "connection_present", "flow_present",
		"fc_present", "delivery_present", "sn_present", "timestamp_present", "ttl_present",
		"reserved", "version"}) do
		sub:add(f[name], range)
	end
	return sub
end

local add = {
	ttl = function(tree, range) tree:add(f.ttl, range) end,
	timestamp = function(tree, range) tree:add(f.timestamp, range) end,
	sn = function(tree, range, info)
		tree:add(f.flow_sn, range)
		info.sn = range:uint()
	end,
	delivery = function(tree, range) tree:add(f.delivery_sn, range) end,
	fc = function(tree, range, info)
		local fc = range:uint()
		local more, offset = band(fc, 1), rshift(fc, 1)
		if gma.prefs.fc_lsb_first then
			more, offset = rshift(fc, 7), band(fc, 0x7f)
		end
		local sub = tree:add(f.fc, range)
		sub:add(f.fc_more, range, more == 1)
		sub:add(f.fc_offset, range, offset)
		info.fragment = more == 1 or offset > 0
		info.offset = offset
	end,
	flow = function(tree, range) tree:add(f.flow_id, range) end,
	connection = function(tree, range)
		local sub = tree:add(f.connection, range)
		sub:add(f.anchor, range)
		sub:add(f.delivery, range)
	end,
	fsl = function(tree, range, info)
		tree:add(f.fsl, range)
		info.fsl = range:uint()
		info.fsl_range = range
	end,
}

-- The optional fields from pos on; all is the whole header or trailer, for the checksum.
local function add_fields(tree, tvb, pos, flags, all, info)
	for _, field in ipairs(ORDER) do
		local name, size = field[1], field[2]
		if has(flags, name) then
			local range = tvb(pos, size)
			if name == "checksum" then
				local good = checksum_good(all)
				local sub = tree:add(f.checksum, range)
				sub:add(f.checksum_good, range, good)
				if not good then
					sub:add_proto_expert_info(e.checksum)
				end
			else
				add[name](tree, range, info)
			end
			pos = pos + size
		end
	end
	return pos
end

-- form: "trailer", "header_ip" or "header".  tvb(at, room) is where the header begins or the trailer
-- ends.  Returns what the fields said, with .size octets, or nil when the PDU cannot be read.
local NAMES = {trailer = "trailer", header_ip = "header, IP", header = "header, non-IP"}
local function dissect_gma(form, tvb, at, room, tree)
	local ip = form ~= "header"
	if room < 2 then
		tree:add(gma, tvb(at, room)):add_proto_expert_info(e.short)
		return nil
	end
	local flags_range = tvb(form == "trailer" and at + room - 2 or at, 2)
	local flags = flags_range:uint()
	local size = gma_size(flags, ip)
	if band(flags, 7) ~= 0 or size > room then
		local sub = tree:add(gma, flags_range)
		add_flags(sub, flags_range):add_proto_expert_info(band(flags, 7) ~= 0 and e.version or e.short)
		return nil
	end
	local start = form == "trailer" and at + room - size or at
	local all = tvb(start, size)
	local sub = tree:add(gma, all)
	local info = {size = size, flags = flags, tree = sub}
	sub:add(f.form, all, NAMES[form]):set_generated()
	local flags_tree = add_flags(sub, flags_range)
	if band(flags, 0x78) ~= 0 then
		flags_tree:add_proto_expert_info(e.reserved)
		return nil
	end
	if ip ~= has(flags, "ttl") or (not ip and has(flags, "fsl")) then
		flags_tree:add_proto_expert_info(e.form)
	end
	if has(flags, "fsl") and has(flags, "fc") then
		flags_tree:add_proto_expert_info(e.fsl_fc)
	end
	local pos = add_fields(sub, tvb, form == "trailer" and start or start + 2, flags, all, info)
	if ip then
		sub:add(f.next_header, tvb(pos, 1))
		info.next_header = tvb(pos, 1):uint()
	end
	if has(flags, "ttl") then
		info.ttl = tvb(form == "trailer" and start or start + 2, 1):uint()
	end
	if info.fragment and not info.sn then
		flags_tree:add_proto_expert_info(e.no_sn)
	end
	return info
end

-- what is inside -----------------------------------------------------------------------------------

local function ip_length(tvb, at, room)
	local version = room > 0 and rshift(tvb(at, 1):uint(), 4) or 0
	local length
	if version == 4 and room >= 20 then
		length = tvb(at + 2, 2):uint()
		if length < 20 then
			return nil
		end
	elseif version == 6 and room >= 40 then
		length = 40 + tvb(at + 4, 2):uint()
	end
	return length and length <= room and length or nil, version
end

-- What is wrong further inside is told there, and is not the end of this PDU.
local function dissect_ip(tvb, pinfo, tree)
	local inner = rshift(tvb(0, 1):uint(), 4) == 6 and ipv6_dissector or ip_dissector
	pcall(inner.call, inner, tvb, pinfo, tree)
end

-- SDUs one after the other in tvb(at, room); returns how many.
local function dissect_sdus(tvb, at, room, pinfo, tree, info)
	local n = 0
	while room > 0 do
		local length = ip_length(tvb, at, room)
		if not length then
			info.tree:add_proto_expert_info(e.ip)
			data_dissector:call(tvb(at, room):tvb(), pinfo, tree)
			break
		end
		dissect_ip(tvb(at, length):tvb(), pinfo, tree)
		at, room, n = at + length, room - length, n + 1
	end
	return n
end

local function summary(pinfo, info, n)
	local text = "GMA"
	if info.sn then
		text = text .. " SN=" .. info.sn
	end
	if info.fragment then
		text = text .. " fragment " .. info.offset
	elseif n and n > 1 then
		text = text .. " " .. n .. " SDUs"
	end
	pinfo.cols.info:prepend(text .. " | ")
end

local function show_fragment(tvb, at, room, info)
	info.tree:add(f.fragment, tvb(at, room))
end

-- An IPv4 PDU with protocol 114 as it was before encapsulation: octets of the SDU, or SDUs.
local function restored(tvb, hlen, from, len, info)
	local bytes = tvb(0, hlen):bytes()
	if len > 0 then
		bytes:append(tvb(from, len):bytes())
	end
	local first = info.fsl or hlen + len
	bytes:set_index(2, rshift(first, 8))
	bytes:set_index(3, band(first, 255))
	bytes:set_index(8, info.ttl or 0)
	bytes:set_index(9, info.next_header)
	bytes:set_index(10, 0)
	bytes:set_index(11, 0)
	local sum = 0
	for i = 0, hlen - 1, 2 do
		sum = sum + bytes:get_index(i) * 256 + bytes:get_index(i + 1)
	end
	while sum > 0xffff do
		sum = band(sum, 0xffff) + rshift(sum, 16)
	end
	bytes:set_index(10, rshift(0xffff - sum, 8))
	bytes:set_index(11, band(0xffff - sum, 255))
	return bytes:tvb("GMA SDU")
end

local function dissect_114(tvb, pinfo, tree)
	local len = tvb:len()
	local hlen = band(tvb(0, 1):uint(), 15) * 4
	if hlen < 20 or hlen > len then
		tree:add(gma, tvb()):add_proto_expert_info(e.ip)
		return
	end
	local form = gma.prefs.header_form and "header_ip" or "trailer"
	local info = dissect_gma(form, tvb, hlen, len - hlen, tree)
	if not info then
		return
	end
	if not gma.prefs.optimization and tvb(2, 2):uint() ~= len then
		info.tree:add_proto_expert_info(e.length)
	end
	local from = form == "trailer" and hlen or hlen + info.size
	local payload = len - hlen - info.size
	if info.fragment then
		show_fragment(tvb, from, payload, info)
		summary(pinfo, info)
		return
	end
	if info.fsl and (info.fsl < hlen or info.fsl > hlen + payload) then
		info.tree:add_proto_expert_info(e.fsl)
		return
	end
	local sdus = restored(tvb, hlen, from, payload, info)
	local n = dissect_sdus(sdus, 0, sdus:len(), pinfo, tree, info)
	info.tree:add(f.sdus, n):set_generated()
	summary(pinfo, info, n)
end

-- one datagram of a UDP tunnel
function gma.dissector(tvb, pinfo, tree)
	local len = tvb:len()
	if len == 0 then
		return 0
	end
	pinfo.cols.protocol = "GMA"
	local first = tvb(0, 1):uint()
	if band(first, 0x40) == 0 then
		local info = dissect_gma("header", tvb, 0, len, tree)
		if not info then
			return len
		end
		if info.fragment then
			show_fragment(tvb, info.size, len - info.size, info)
			summary(pinfo, info)
			return len
		end
		local n = dissect_sdus(tvb, info.size, len - info.size, pinfo, tree, info)
		info.tree:add(f.sdus, n):set_generated()
		summary(pinfo, info, n)
	elseif rshift(first, 4) == 4 and len >= 20 and tvb(9, 1):uint() == 114 then
		dissect_114(tvb, pinfo, tree)
	elseif ip_length(tvb, 0, len) then
		dissect_ip(tvb, pinfo, tree)
	else
		tree:add(gma, tvb()):add_proto_expert_info(e.ip)
	end
	return len
end

-- IP protocol 114 straight over IP: the IP header was already dissected
local plain = Proto("gma_ip", "Generic Multi-Access Encapsulation over IP")
function plain.dissector(tvb, pinfo, tree)
	local len = tvb:len()
	if not gma.prefs.plain_ip then
		return 0
	end
	pinfo.cols.protocol = "GMA"
	local form = gma.prefs.header_form and "header_ip" or "trailer"
	local info = dissect_gma(form, tvb, 0, len, tree)
	if not info then
		return len
	end
	local from = form == "trailer" and 0 or info.size
	local payload = len - info.size
	if info.fragment then
		show_fragment(tvb, from, payload, info)
		summary(pinfo, info)
		return len
	end
	local headers = {ip_header_len()}
	local hlen = headers[#headers] and headers[#headers].value or 20
	local first = info.fsl and info.fsl - hlen or payload
	if first < 0 or first > payload then
		info.tree:add_proto_expert_info(e.fsl)
		return len
	end
	local protocols = DissectorTable.get("ip.proto")
	pcall(protocols.try, protocols, info.next_header, tvb(from, first):tvb(), pinfo, tree)
	local n = 1
	if payload > first then
		n = n + dissect_sdus(tvb, from + first, payload - first, pinfo, tree, info)
	end
	info.tree:add(f.sdus, n):set_generated()
	summary(pinfo, info, n)
	return len
end
DissectorTable.get("ip.proto"):add(114, plain)

-- MX Control PDUs -----------------------------------------------------------------------------------

local TYPES = {[0] = "Keep-Alive", [1] = "Probe", [240] = "Measurement report", [241] = "Proof"}
local STEPS = {[1] = "HELLO", [2] = "CHALLENGE", [3] = "PROOF", [4] = "ACCEPT"}
local m = {
	type = ProtoField.uint8("mxcontrol.type", "Type", base.DEC, TYPES),
	cid = ProtoField.uint8("mxcontrol.cid", "CID (delivery connection)"),
	kind = ProtoField.string("mxcontrol.kind", "Message"),
	sn = ProtoField.uint16("mxcontrol.sn", "Sequence Number"),
	flag = ProtoField.uint8("mxcontrol.flag", "Probing Flag", base.HEX),
	ack = ProtoField.bool("mxcontrol.flag.ack", "Probe-ACK expected"),
	active = ProtoField.bool("mxcontrol.flag.active", "Probe Type: Active phase"),
	has_rcid = ProtoField.bool("mxcontrol.flag.rcid", "R-CID present"),
	lsb = ProtoField.bool("mxcontrol.flag.lsb_first", "Bits counted from the least significant"),
	rcid = ProtoField.uint8("mxcontrol.rcid", "R-CID (delivery connection of the answer)"),
	padding = ProtoField.bytes("mxcontrol.padding", "Padding"),
	clock = ProtoField.uint32("mxcontrol.report.clock", "Timestamp clock (ms)"),
	links = ProtoField.uint8("mxcontrol.report.links", "Links", base.DEC, nil, 0xf0),
	flows = ProtoField.uint8("mxcontrol.report.flows", "Flows", base.DEC, nil, 0x0f),
	link = ProtoField.uint8("mxcontrol.report.link", "Link: CID"),
	down = ProtoField.bool("mxcontrol.report.link.down", "Not usable", 8, nil, 0x80),
	echoed = ProtoField.bool("mxcontrol.report.link.echoed", "Timestamp echoed", 8, nil, 0x40),
	packets = ProtoField.uint32("mxcontrol.report.link.packets", "Packets received"),
	octets = ProtoField.uint32("mxcontrol.report.link.octets", "Octets received"),
	rx = ProtoField.uint32("mxcontrol.report.link.rx", "Clock at the newest packet (us)"),
	echo = ProtoField.uint32("mxcontrol.report.link.echo", "Its timestamp (ms)"),
	held = ProtoField.uint16("mxcontrol.report.link.held", "Waited for this report (10 us)"),
	queue = ProtoField.uint16("mxcontrol.report.link.queue", "Standing queue (10 us)"),
	jitter = ProtoField.uint16("mxcontrol.report.link.jitter", "Jitter (10 us)"),
	owd = ProtoField.int32("mxcontrol.report.link.owd", "Relative one-way delay (us)"),
	lost = ProtoField.uint16("mxcontrol.report.link.lost", "Lost packets"),
	flow = ProtoField.uint8("mxcontrol.report.flow", "Flow ID"),
	expect = ProtoField.uint24("mxcontrol.report.flow.expect", "Next Flow SN"),
	cids = ProtoField.uint16("mxcontrol.report.flow.cids", "Sent over delivery connections", base.HEX),
	step = ProtoField.uint8("mxcontrol.proof.step", "Step", base.DEC, STEPS),
	session = ProtoField.uint64("mxcontrol.proof.session", "Session", base.HEX),
	client_nonce = ProtoField.bytes("mxcontrol.proof.client_nonce", "Client nonce"),
	server_nonce = ProtoField.bytes("mxcontrol.proof.server_nonce", "Server nonce"),
	mac = ProtoField.bytes("mxcontrol.proof.mac", "MAC"),
}
local mlist = {}
for _, field in pairs(m) do
	mlist[#mlist + 1] = field
end
mx.fields = mlist
local me = {
	short = ProtoExpert.new("mxcontrol.short", "Shorter than its fields", expert.group.MALFORMED, expert.severity.ERROR),
	long = ProtoExpert.new("mxcontrol.long", "Octets behind the message", expert.group.MALFORMED, expert.severity.ERROR),
	type = ProtoExpert.new("mxcontrol.bad_type", "Reserved type", expert.group.PROTOCOL, expert.severity.WARN),
	reserved = ProtoExpert.new("mxcontrol.bad_flag", "Reserved bits of the Probing Flag", expert.group.MALFORMED, expert.severity.ERROR),
}
mx.experts = {me.short, me.long, me.type, me.reserved}

local function in_range(range, port)
	for item in string.gmatch(tostring(range), "[^,]+") do
		local low, high = item:match("^%s*(%d+)%s*%-?%s*(%d*)%s*$")
		if low and port >= tonumber(low) and port <= tonumber(high ~= "" and high or low) then
			return true
		end
	end
	return false
end

-- "REQ", "ACK" or nil: the direction tells them apart
local function probe_kind(tvb, pinfo)
	local from = in_range(mx.prefs.network_ports, pinfo.src_port)
	local to = in_range(mx.prefs.network_ports, pinfo.dst_port)
	if from ~= to then
		return from and "REQ" or "ACK"
	end
	if tostring(pinfo.src) == "192.0.0.1" then
		return "REQ"
	elseif tostring(pinfo.dst) == "192.0.0.1" then
		return "ACK"
	end
	-- an answer has at most the flag, and in it no bit that asks for one
	if tvb:len() > 5 or (tvb:len() == 5 and band(tvb(4, 1):uint(), 0x81) ~= 0) then
		return "REQ"
	end
	return nil
end

local function add_flag(tree, range)
	local octet = range:uint()
	local lsb = band(octet, 0x1f) ~= 0
	local ack = band(octet, lsb and 0x01 or 0x80) ~= 0
	local active = band(octet, lsb and 0x02 or 0x40) ~= 0
	local rcid = band(octet, lsb and 0x04 or 0x20) ~= 0
	local sub = tree:add(m.flag, range)
	sub:add(m.ack, range, ack)
	sub:add(m.active, range, active)
	sub:add(m.has_rcid, range, rcid)
	sub:add(m.lsb, range, lsb):set_generated()
	if lsb and band(octet, 0xf8) ~= 0 then
		sub:add_proto_expert_info(me.reserved)
	end
	return ack and rcid
end

local function dissect_probe(tvb, pinfo, tree, len)
	local kind = probe_kind(tvb, pinfo)
	tree:add(m.kind, tvb(), kind and "Probe-" .. kind or "Probe-REQ or Probe-ACK"):set_generated()
	tree:add(m.sn, tvb(2, 2))
	if len == 4 then
		if kind == "REQ" then
			tree:add_proto_expert_info(me.short)
		end
		return kind
	end
	local pos = 5
	local rcid = add_flag(tree, tvb(4, 1))
	if kind == "ACK" then
		if len > 5 then
			tree:add_proto_expert_info(me.long)
		end
		return kind
	end
	if rcid then
		if len < 6 then
			tree:add_proto_expert_info(me.short)
			return kind
		end
		tree:add(m.rcid, tvb(5, 1))
		pos = 6
	end
	if len > pos then
		tree:add(m.padding, tvb(pos))
	end
	return kind
end

-- octets and fields of a link in a report
local LINK = {
	{2, 4, "packets"}, {6, 4, "octets"}, {10, 4, "rx"}, {14, 4, "echo"}, {18, 2, "held"},
	{20, 2, "queue"}, {22, 2, "jitter"}, {24, 4, "owd"}, {28, 2, "lost"},
}
local function dissect_report(tvb, tree, len)
	local n, flows
	if len >= 9 then
		n, flows = rshift(tvb(8, 1):uint(), 4), band(tvb(8, 1):uint(), 15)
	end
	if not n or len < 9 + n * 30 + flows * 6 then
		tree:add_proto_expert_info(me.short)
		return
	end
	tree:add(m.sn, tvb(2, 2))
	tree:add(m.clock, tvb(4, 4))
	tree:add(m.links, tvb(8, 1))
	tree:add(m.flows, tvb(8, 1))
	local pos = 9
	for _ = 1, n do
		local sub = tree:add(m.link, tvb(pos, 1))
		sub:add(m.down, tvb(pos + 1, 1))
		sub:add(m.echoed, tvb(pos + 1, 1))
		for _, field in ipairs(LINK) do
			sub:add(m[field[3]], tvb(pos + field[1], field[2]))
		end
		pos = pos + 30
	end
	for _ = 1, flows do
		local sub = tree:add(m.flow, tvb(pos, 1))
		sub:add(m.expect, tvb(pos + 1, 3))
		sub:add(m.cids, tvb(pos + 4, 2))
		pos = pos + 6
	end
	if pos < len then
		tree:add_proto_expert_info(me.long)
	end
end

local function dissect_proof(tvb, tree, len)
	if len ~= 60 then
		tree:add_proto_expert_info(len < 60 and me.short or me.long)
		return
	end
	tree:add(m.step, tvb(2, 1))
	tree:add(m.session, tvb(4, 8))
	tree:add(m.client_nonce, tvb(12, 16))
	tree:add(m.server_nonce, tvb(28, 16))
	tree:add(m.mac, tvb(44, 16))
end

function mx.dissector(tvb, pinfo, tree)
	local len = tvb:len()
	local sub = tree:add(mx, tvb())
	local name
	pinfo.cols.protocol = "MX Control"
	if len < 4 then
		sub:add_proto_expert_info(me.short)
		return len
	end
	local kind = tvb(0, 1):uint()
	sub:add(m.type, tvb(0, 1))
	sub:add(m.cid, tvb(1, 1))
	name = TYPES[kind] or "reserved type " .. kind
	if kind == 0 then
		sub:add(m.sn, tvb(2, 2))
		if len > 4 then
			sub:add_proto_expert_info(me.long)
		end
	elseif kind == 1 then
		local direction = dissect_probe(tvb, pinfo, sub, len)
		name = direction and "Probe-" .. direction or name
	elseif kind == 240 then
		dissect_report(tvb, sub, len)
	elseif kind == 241 then
		dissect_proof(tvb, sub, len)
	else
		sub:add_proto_expert_info(me.type)
	end
	pinfo.cols.info = name .. " CID=" .. tvb(1, 1):uint()
	return len
end

-- ports ----------------------------------------------------------------------------------------------

local added = {}
local function register(proto, range)
	local table = DissectorTable.get("udp.port")
	if added[proto.name] then
		table:remove(added[proto.name], proto)
	end
	added[proto.name] = range
	table:add(range, proto)
end

function gma.prefs_changed()
	register(gma, gma.prefs.udp_ports)
end

function mx.prefs_changed()
	register(mx, mx.prefs.udp_ports)
end

register(gma, gma.prefs.udp_ports)
register(mx, mx.prefs.udp_ports)
