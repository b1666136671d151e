#include "trailer-madp/reason.h"

static const struct {
	const char *name;
	const char *text;
} reasons[MADP_REASON_COUNT] = {
#define X(symbol, name_, words) [MADP_##symbol] = {.name = name_, .text = words},
	MADP_REASONS(X)
#undef X
};

const char *madp_reason_name(enum madp_reason r)
{
	return (unsigned)r < MADP_REASON_COUNT ? reasons[r].name : "unknown";
}

const char *madp_reason_text(enum madp_reason r)
{
	return (unsigned)r < MADP_REASON_COUNT ? reasons[r].text : "unknown reason";
}
