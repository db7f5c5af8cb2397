//! Step `store`: what `documents` must do and a fresh machine cannot show: its tests on a real PostgreSQL with pgvector, and
//! the judged questions over the Rust books. What is checked is written there; here is only what it needs.

use crate::{
    cargo::cargo,
    counts::Counts,
    house::House,
    postgres::Server,
    run,
    score::Score,
    suite::{SAME_DEPENDENCIES, Suite},
};

/// Runs the step.
pub(crate) fn run(house: &House, score: &mut Score) {
    let counts = Counts::load(house).unwrap_or_else(|why| {
        score.fail("ci/test-counts.toml", &why);
        Counts::default()
    });
    let server = Server::start(house);
    match server.as_ref().map_err(Clone::clone).and_then(|server| Ok((server, server.pooler()?))) {
        Ok((server, pooler)) => {
            for suite in Suite::of_postgres(&server.url(), &pooler.url()) {
                suite.run(house, &counts, score);
            }
        }
        Err(why) => score.fail("PostgreSQL", &why),
    }
    // as it is built already: what is found does not depend on it, and how long it takes is asked of a release build by hand
    let arguments =
        ["test", "-p", "documents", "-p", SAME_DEPENDENCIES, "--all-features", "--test", "judged", "--", "--nocapture"];
    score.check("the judged questions", run::run(&mut cargo(house, &arguments)));
}
