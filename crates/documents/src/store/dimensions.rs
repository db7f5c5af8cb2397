//! How many numbers a model's vectors have, as a store holds them. Can be asked before the store is opened, which needs to know.

use super::{WAIT, statement::Statements};
use crate::Location;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

type Result<T> = std::result::Result<T, sqlx::Error>;

pub(super) const IN_FILE: &str = "SELECT length(vector) / 4 FROM vectors WHERE model = ? LIMIT 1";
pub(super) const ON_SERVER: &str = "SELECT vector_dims(vector) FROM vectors WHERE model = $1 LIMIT 1";

/// Makes nothing. A store that cannot be asked holds none.
pub(crate) async fn known(location: &Location, model: &str) -> Option<usize> {
    let known = ask(location, model).await.ok().flatten()?;
    usize::try_from(known).ok()
}

async fn ask(location: &Location, model: &str) -> Result<Option<i64>> {
    match location {
        Location::File(path) => {
            let mut file = SqliteConnectOptions::new().filename(path).busy_timeout(WAIT).connect().await?;
            let known = sqlx::query_scalar(IN_FILE).bind(model).fetch_optional(&mut file).await;
            file.close().await?;
            known
        }
        Location::Server(to) => {
            let mut server = to.options.clone().extra_float_digits(None).connect().await?;
            let sql = Statements { are_kept: false };
            let mut transaction = server.begin().await?; // a pooler may be between
            let query = sql.query_scalar(ON_SERVER).bind(model.to_owned());
            let known: Option<i32> = query.fetch_optional(&mut *transaction).await?;
            transaction.rollback().await?;
            server.close().await?;
            Ok(known.map(i64::from))
        }
    }
}
