/* What is measured, and when it is reported; what the NCM predicts from it. */
#include "ccm-agent/measure.h"
#include "tests/support/suite.h"

static struct ccm_measures measures;
static struct mx_measurement out[CCM_MEASURES_MAX];

static mams_time at(int64_t ms)
{
	return (mams_time){ms * 1000};
}

/* DL_TPUT each second, thresholds 10 and 40; WLAN_RSSI each 5 s. */
static void start(void)
{
	static struct mx_meas_report_conf wanted[] = {
		{MX_M_DL_TPUT, {.high = 40, .low = 10}, 1000},
		{MX_M_WLAN_RSSI, {.high = -40, .low = -75}, 5000},
		{MX_M_LTE_RSRP, {.high = -40, .low = -75}, 5000},
	};
	const struct mx_meas_conf conf = {.connection_id = 1,
		.connection_type = MX_WIFI,
		.meas_rep_conf = wanted,
		.n_meas_rep_conf = 3};

	ccm_measures_clear(&measures);
	CU_ASSERT_EQUAL(ccm_measures_configure(&measures, &conf, at(0)), 1);
}

static void only_what_fits_is_wanted(void)
{
	start();
	CU_ASSERT_TRUE(ccm_measures_wants(&measures, 1, MX_M_DL_TPUT));
	CU_ASSERT_FALSE(ccm_measures_wants(&measures, 1, MX_M_LTE_RSRP));
	CU_ASSERT_FALSE(ccm_measures_wants(&measures, 0, MX_M_DL_TPUT));
	CU_ASSERT_FALSE(ccm_measures_wants(&measures, 200, MX_M_DL_TPUT));
	CU_ASSERT_EQUAL(ccm_measures_period(&measures), 1000);
	ccm_measures_clear(&measures);
	CU_ASSERT_EQUAL(ccm_measures_period(&measures), 0);
}

static void reports_each_period(void)
{
	start();
	CU_ASSERT_TRUE(mams_time_is_never(ccm_measures_deadline(&measures, at(0))));
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 20);
	CU_ASSERT_EQUAL(ccm_measures_deadline(&measures, at(0)).us, at(1000).us);
	CU_ASSERT_EQUAL(ccm_measures_take(&measures, 1, at(999), out), 0);
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 21);
	CU_ASSERT_EQUAL_FATAL(ccm_measures_take(&measures, 1, at(1000), out), 1);
	CU_ASSERT_EQUAL(out[0].measurement_type, MX_M_DL_TPUT);
	CU_ASSERT_EQUAL(out[0].measurement_value, 21);
	CU_ASSERT_EQUAL(ccm_measures_take(&measures, 1, at(1500), out), 0);
	CU_ASSERT_EQUAL(ccm_measures_take(&measures, 1, at(2000), out), 1);
}

/* Whatever an NCM wants: no report each millisecond. */
static void no_storm_of_reports(void)
{
	static struct mx_meas_report_conf wanted[] = {{MX_M_DL_TPUT, {.high = 40, .low = 10}, 1}};
	const struct mx_meas_conf conf = {.connection_id = 1,
		.connection_type = MX_WIFI,
		.meas_rep_conf = wanted,
		.n_meas_rep_conf = 1};
	unsigned n = 0;

	ccm_measures_clear(&measures);
	CU_ASSERT_EQUAL(ccm_measures_configure(&measures, &conf, at(0)), 0);
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 20);
	for (int64_t ms = 0; ms <= 1000; ms++)
		n += ccm_measures_take(&measures, 1, at(ms), out) > 0;
	CU_ASSERT_EQUAL(n, 1000 / CCM_MEASURE_LEAST_MS);
}

static void reports_a_crossed_threshold_once(void)
{
	start();
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 20);
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 40);
	CU_ASSERT_EQUAL(ccm_measures_deadline(&measures, at(100)).us, at(100).us);
	CU_ASSERT_EQUAL_FATAL(ccm_measures_take(&measures, 1, at(100), out), 1);
	CU_ASSERT_EQUAL(out[0].measurement_value, 40);
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 50); /* still above */
	CU_ASSERT_EQUAL(ccm_measures_take(&measures, 1, at(200), out), 0);
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 9);
	CU_ASSERT_EQUAL(ccm_measures_take(&measures, 1, at(300), out), 1);
	ccm_measures_value(&measures, 1, MX_M_DL_TPUT, 25); /* back between: no news */
	CU_ASSERT_EQUAL(ccm_measures_take(&measures, 1, at(400), out), 0);
}

static void a_new_configuration_replaces(void)
{
	static struct mx_meas_report_conf wanted[] = {{MX_M_UL_TPUT, {.high = 1, .low = 0}, 300}};
	const struct mx_meas_conf conf = {.connection_id = 1,
		.connection_type = MX_WIFI,
		.meas_rep_conf = wanted,
		.n_meas_rep_conf = 1};

	start();
	CU_ASSERT_EQUAL(ccm_measures_configure(&measures, &conf, at(0)), 0);
	CU_ASSERT_FALSE(ccm_measures_wants(&measures, 1, MX_M_DL_TPUT));
	CU_ASSERT_TRUE(ccm_measures_wants(&measures, 1, MX_M_UL_TPUT));
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"only what fits is wanted", only_what_fits_is_wanted},
		{"reports each period", reports_each_period},
		{"no storm of reports", no_storm_of_reports},
		{"reports a crossed threshold once", reports_a_crossed_threshold_once},
		{"a new configuration replaces", a_new_configuration_replaces},
	};

	return mams_suite_run("measure", cases, MAMS_ARRAY_LEN(cases));
}
