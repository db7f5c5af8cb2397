//! Step `counts`: runs every suite whose tests are counted, and writes the table anew.

use crate::{counts::Counts, house::House, postgres::Server, score::Score, suite::Suite};

/// Runs every suite whose tests are counted and writes what passed, provided that nothing failed.
pub(crate) fn run(house: &House, score: &mut Score) {
    let mut counts = Counts::default();
    let mut suites = Suite::counted();
    let server = Server::start(house);
    let pooler = server.as_ref().map_err(Clone::clone).and_then(Server::pooler);
    match server.as_ref().map_err(Clone::clone).and_then(|server| Ok((server, pooler.as_ref().map_err(Clone::clone)?)))
    {
        Ok((server, pooler)) => suites.extend(Suite::of_postgres(&server.url(), &pooler.url())),
        Err(why) => score.fail("PostgreSQL", &why),
    }
    for suite in suites {
        let results = suite.run_unguarded(house, score);
        counts.set(suite.name, results.passed);
    }
    let written =
        if score.failed() == 0 { counts.write(house) } else { Err("left as it was, because tests failed".to_owned()) };
    score.check("ci/test-counts.toml is written", written);
}
