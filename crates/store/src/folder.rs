//! The whole data folder: hits and projects, which have to belong together.

use crate::inbox::{Change, ProjectNumbers};
use crate::meta::{Meta, MetaError, MetaIdentity};
use crate::store::Store;
use crate::types::{StoreError, StoreOptions};

/// Opens or creates the data folder: the store, which holds it against a second server, then the projects. Refuses a folder
/// in which a file was lost or put back from an older copy (`StoreError::NotWhole`), and changes nothing in it.
///
/// `fresh_secret`: 32 random bytes, kept as the server's secret where there is none yet.
pub async fn open_folder(
    options: StoreOptions,
    fresh_secret: [u8; 32],
    now_us: i64,
) -> Result<(Store, Meta), StoreError> {
    let data = options.data.clone();
    let store = Store::open_as(options, true).await?;
    let shared = store.shared().clone();
    let opening = async {
        let numbers = ProjectNumbers::new(shared.commands.clone());
        let meta = Meta::open_with(&data, fresh_secret, now_us, Some(numbers)).await?;
        // A crash may have come between a number's two places.
        meta.skip_project_numbers(shared.highest_project).await?;
        let identity = MetaIdentity {
            folder: shared.identity.folder,
            starts: shared.identity.begun,
            ledger_key: shared.key,
        };
        meta.set_identity(&identity).await?;
        Ok::<Meta, MetaError>(meta)
    };
    let opened = match opening.await {
        Ok(meta) => store.change_inbox(Change::Started).await.map(|()| meta),
        Err(problem) => Err(StoreError::Engine {
            context: "the projects cannot be read",
            cause: Box::new(problem),
        }),
    };
    match opened {
        Ok(meta) => Ok((store, meta)),
        Err(problem) => {
            store.close().await?;
            Err(problem)
        }
    }
}
