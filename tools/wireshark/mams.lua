-- Wireshark dissector: traces of mamsctl (mamsctl trace --pcapng): control messages of MAMS, changes of
-- sessions, and what data planes, operators and policies say.
--
-- Use:  tshark -X lua_script:mams.lua -r FILE     or put it into Wireshark's plugin directory.
-- Filters: mams.type == "mx_up_setup_cnf", mams.state == "ACTIVE", mams.what == "data plane", ...
--
-- Wireshark's own dissectors show the JSON and the words; this adds what they are.

local mams = Proto("mams", "Multi-Access Management Services")

local f = {
	what = ProtoField.string("mams.what", "What"),
	direction = ProtoField.string("mams.direction", "Direction"),
	client = ProtoField.string("mams.client", "Client"),
	transport = ProtoField.string("mams.transport", "Transport"),
	session = ProtoField.uint64("mams.session", "Session"),
	type = ProtoField.string("mams.type", "Message type"),
	seq = ProtoField.uint32("mams.seq", "Sequence number"),
	version = ProtoField.string("mams.version", "Version"),
	words = ProtoField.string("mams.words", "Words"),
	state = ProtoField.string("mams.state", "New state"),
	old_state = ProtoField.string("mams.state.old", "Old state"),
	class = ProtoField.string("mams.class", "Class of the policy"),
}
local list = {}
for _, field in pairs(f) do
	list[#list + 1] = field
end
mams.fields = list

local e = {
	bad = ProtoExpert.new("mams.bad", "No message of MAMS", expert.group.MALFORMED, expert.severity.ERROR),
}
mams.experts = { e.bad }

local comment_of = Field.new("frame.comment")
local tag_of = Field.new("exported_pdu.tag")

-- what stands first in a comment (tools/mamsctl/pcapng.c)
local KINDS = {
	{ "received from ", "message", "from the client" },
	{ "sent to ", "message", "to the client" },
	{ "event of ", "event" },
	{ "data plane of ", "data plane" },
	{ "order for ", "order" },
	{ "decision for ", "decision" },
	{ "start of ", "start" },
}

local function kind_of(comment)
	for _, kind in ipairs(KINDS) do
		if comment:sub(1, #kind[1]) == kind[1] then
			return kind, comment:sub(#kind[1] + 1)
		end
	end
end

-- the PDU behind the tags: a tag and a length of two octets each, then its value; 0 ends them
local function pdu_of(tvb)
	local pos = 0
	while pos + 4 <= tvb:len() do
		local tag, len = tvb(pos, 2):uint(), tvb(pos + 2, 2):uint()
		pos = pos + 4 + len
		if tag == 0 then
			return pos < tvb:len() and tvb(pos) or nil
		end
	end
end

-- members of the outermost object come before others of the same name: the tables say so
local function member(text, key, pattern)
	return text:match('^{[^{%[]-"' .. key .. '":' .. pattern)
end

local function message(tree, pdu, text)
	local kind, seq = member(text, "message_type", '"([a-z_]+)"'), member(text, "sequence_num", "(%d+)")
	if not kind then
		tree:add_proto_expert_info(e.bad)
		return "?"
	end
	tree:add(f.type, pdu, kind)
	tree:add(f.version, pdu, member(text, "version", '"([%d.]+)"') or "?")
	if not seq then
		return kind
	end
	tree:add(f.seq, pdu, tonumber(seq))
	return kind .. " " .. seq
end

local function event(tree, pdu, text)
	local old, new = text:match("^state (%u[%u_]*) %-> (%u[%u_]*)")
	tree:add(f.words, pdu, text)
	if new then
		tree:add(f.old_state, pdu, old)
		tree:add(f.state, pdu, new)
	end
	return text
end

function mams.dissector(tvb, pinfo, tree)
	local comment = comment_of()
	local kind, rest, pdu
	if comment and tag_of() then
		kind, rest = kind_of(tostring(comment.value))
		pdu = kind and pdu_of(tvb)
	end
	if not pdu then
		return
	end
	local text = pdu:string()
	local sub = tree:add(mams, pdu)
	local session = rest:match(" session=(%d+)$")
	rest = rest:gsub(" session=%d+$", "")
	local client, transport = rest:match("^(.*) over (%l+)$")
	sub:add(f.what, pdu, kind[2])
	sub:add(f.client, pdu, client or rest)
	if transport then
		sub:add(f.transport, pdu, transport)
	end
	if session then
		sub:add(f.session, pdu, UInt64(session))
	end
	local info
	if kind[3] then
		sub:add(f.direction, pdu, kind[3])
		info = (kind[3] == "from the client" and "<- " or "-> ") .. message(sub, pdu, text)
	elseif kind[2] == "decision" then
		local class = text:match('"policy":{"name":"([^"]*)"') or "?"
		sub:add(f.class, pdu, class)
		info = "decision, class " .. class
	elseif kind[2] == "start" then
		info = "start of a session"
	else
		info = event(sub, pdu, text)
	end
	sub:append_text(", " .. info)
	pinfo.cols.info = info
end

register_postdissector(mams)
