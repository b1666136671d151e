/* Power supplies as the kernel lists them, in a directory of ours. */
#include "ccm-agent/battery.h"
#include "lib/base/err.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/mams-battery-XXXXXX";

static void write_to(const char *supply, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, supply);
	(void)!mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, supply, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE(fputs(text, f) >= 0);
	fclose(f);
}

static void batteries(void)
{
	CU_ASSERT_EQUAL(ccm_battery_read("/nonexistent"), -1);
	CU_ASSERT_EQUAL(ccm_battery_read(dir), -1);
	write_to("AC", "type", "Mains\n");
	write_to("AC", "online", "0\n");
	write_to("hid-mouse", "type", "Battery\n");
	write_to("hid-mouse", "scope", "Device\n");
	write_to("hid-mouse", "capacity", "3\n");
	write_to("hid-mouse", "status", "Discharging\n");
	CU_ASSERT_EQUAL(ccm_battery_read(dir), -1);
	write_to("BAT0", "type", "Battery\n");
	CU_ASSERT_EQUAL(ccm_battery_read(dir), -1);
	write_to("BAT0", "capacity", "41\n");
	write_to("BAT0", "status", "Discharging\n");
	CU_ASSERT_EQUAL(ccm_battery_read(dir), 41);
	write_to("BAT0", "status", "Charging\n");
	CU_ASSERT_EQUAL(ccm_battery_read(dir), 100);
	/* the second is used first */
	write_to("BAT0", "status", "Not charging\n");
	write_to("BAT1", "type", "Battery\n");
	write_to("BAT1", "scope", "System\n");
	write_to("BAT1", "capacity", "20\n");
	write_to("BAT1", "status", "Discharging\n");
	CU_ASSERT_EQUAL(ccm_battery_read(dir), 30);
}

static void figures_that_are_none(void)
{
	static const char *const bad[] = {"", "\n", "x\n", "-5\n", "12x\n"};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(bad); i++) {
		write_to("BAT1", "capacity", bad[i]);
		CU_ASSERT_EQUAL(ccm_battery_read(dir), 100); /* of BAT0 alone, which is idle */
	}
	write_to("BAT1", "capacity", "103\n");
	CU_ASSERT_EQUAL(ccm_battery_read(dir), 70);
}

static void clean(void)
{
	static const char *const supplies[] = {"AC", "hid-mouse", "BAT0", "BAT1"};
	static const char *const names[] = {"type", "online", "scope", "capacity", "status"};
	char path[128];

	for (size_t i = 0; i < MAMS_ARRAY_LEN(supplies); i++) {
		for (size_t k = 0; k < MAMS_ARRAY_LEN(names); k++) {
			snprintf(path, sizeof(path), "%s/%s/%s", dir, supplies[i], names[k]);
			unlink(path);
		}
		snprintf(path, sizeof(path), "%s/%s", dir, supplies[i]);
		rmdir(path);
	}
	rmdir(dir);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"batteries", batteries},
		{"figures that are none", figures_that_are_none},
	};
	int rc;

	mams_assert(mkdtemp(dir));
	rc = mams_suite_run("battery", cases, MAMS_ARRAY_LEN(cases));
	clean();
	return rc;
}
