use super::*;

fn pieces(of: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes, String>> {
    stream::iter(of.iter().map(|piece| Ok(Bytes::from_static(piece))).collect::<Vec<_>>())
}

async fn read(artifacts: &Artifacts, digest: &Digest) -> Result<Vec<u8>, ArtifactError> {
    let (length, stream) = artifacts.stream(digest).await?;
    let mut stream = std::pin::pin!(stream);
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        all.extend_from_slice(&piece?);
    }
    assert_eq!(all.len() as u64, length);
    Ok(all)
}

fn files(folder: &FilePath) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

#[tokio::test]
async fn gives_back_what_was_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let digest = artifacts.put(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(digest, Digest::of(b"hello"));
    assert_eq!(artifacts.put(Bytes::from_static(b"hello")).await.unwrap(), digest, "again");
    assert_eq!(artifacts.get(&digest).await.unwrap(), "hello");
    assert_eq!(read(&artifacts, &digest).await.unwrap(), b"hello");
    let streamed = artifacts.put_stream(pieces(&[b"he", b"", b"llo"]), 5).await.unwrap();
    assert_eq!(streamed, (digest, 5));
    let empty = artifacts.put_stream(pieces(&[]), 5).await.unwrap().0;
    assert_eq!(read(&artifacts, &empty).await.unwrap(), b"");
    assert_eq!(files(folder.path()).len(), 2, "each content once, nothing staged");
    artifacts.ping().await.unwrap();
}

#[tokio::test]
async fn what_is_too_long_or_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let long = artifacts.put_stream(pieces(&[b"abc", b"def"]), 5).await;
    assert!(matches!(long, Err(ArtifactError::TooLong { max: 5 })), "{long:?}");
    let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err("gone")]);
    let broken = artifacts.put_stream(broken, 5).await;
    assert!(matches!(&broken, Err(ArtifactError::Source(why)) if why.to_string() == "gone"), "{broken:?}");
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_was_changed_or_removed_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let digest = artifacts.put(Bytes::from_static(b"hello")).await.unwrap();
    let file = files(folder.path()).pop().unwrap();
    std::fs::write(&file, b"hullo").unwrap();
    assert!(matches!(artifacts.get(&digest).await, Err(ArtifactError::Damaged { .. })));
    assert!(matches!(read(&artifacts, &digest).await, Err(ArtifactError::Damaged { .. })));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(artifacts.get(&digest).await, Err(ArtifactError::Missing(_))));
}

#[tokio::test]
async fn what_is_damaged_is_mended_by_handing_it_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let digest = artifacts.put(Bytes::from_static(b"hello")).await.unwrap();
    let file = files(folder.path()).pop().unwrap();
    for damage in [&b"hullo"[..], b"", b"hello and more"] {
        std::fs::write(&file, damage).unwrap();
        assert_eq!(artifacts.put(Bytes::from_static(b"hello")).await.unwrap(), digest);
        assert_eq!(artifacts.get(&digest).await.unwrap(), "hello", "whole");
        std::fs::write(&file, damage).unwrap();
        assert_eq!(artifacts.put_stream(pieces(&[b"hello"]), 5).await.unwrap().0, digest);
        assert_eq!(artifacts.get(&digest).await.unwrap(), "hello", "streamed");
    }
    assert_eq!(files(folder.path()).len(), 1);
}

/// A client that hangs up drops the future that reads from it, wherever that stands.
#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    for count in 0..4 {
        let beginning = vec![Ok::<_, String>(Bytes::from(vec![7; 3 << 20])); count];
        let source = stream::iter(beginning).chain(stream::pending());
        let upload = artifacts.put_stream(source, u64::MAX);
        tokio::time::timeout(std::time::Duration::from_millis(50), upload).await.unwrap_err();
    }
    let start = std::time::Instant::now();
    while !files(folder.path()).is_empty() {
        assert!(start.elapsed().as_secs() < 20, "{:?}", files(folder.path()));
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// In a store without a Drop of its own, as buckets are.
#[tokio::test]
async fn a_whole_upload_that_gets_no_name_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
    let artifacts = Artifacts::in_store(Arc::clone(&store), folder.path()).unwrap();
    let location = Path::from("incoming/one");
    store.put(&location, PutPayload::from_static(b"whole")).await.unwrap();
    drop(Staged { store: Arc::clone(&store), location: location.clone(), state: StagedState::Whole });
    let start = std::time::Instant::now();
    while store.head(&location).await.is_ok() {
        assert!(start.elapsed().as_secs() < 20);
        tokio::task::yield_now().await;
    }
    // And a file for other processes is a copy that goes when nobody needs it.
    let digest = artifacts.put(Bytes::from_static(b"hello")).await.unwrap();
    let file = artifacts.file(&digest).await.unwrap();
    assert_eq!(read_file(&file.path, &digest).unwrap(), b"hello");
    drop(file);
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let digest = artifacts.put(Bytes::from_static(b"hello")).await.unwrap();
    let whole = files(folder.path()).pop().unwrap();
    // As the store and children call them.
    std::fs::write(whole.with_file_name(format!("{digest}#1")), b"whole no more").unwrap();
    std::fs::write(folder.path().join("incoming/0123#1"), b"whole no more").unwrap();
    std::fs::write(folder.path().join("incoming/0123"), b"hello").unwrap();
    std::fs::create_dir(folder.path().join("incoming/.tmp0")).unwrap();
    std::fs::write(folder.path().join("incoming/.tmp0/pk.bin"), b"whole no more").unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    assert_eq!(files(folder.path()), [whole]);
    assert_eq!(artifacts.get(&digest).await.unwrap(), "hello");
}

#[tokio::test]
async fn files_of_other_processes_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let spool = artifacts.spool().unwrap();
    let written = spool.path().join("pk.bin");
    let content: Vec<u8> = (0..PIECE_BYTES + 7).map(|byte| byte as u8).collect();
    std::fs::write(&written, &content).unwrap();
    let (digest, length) = artifacts.put_file(&written).await.unwrap();
    assert_eq!((digest, length), (Digest::of(&content), content.len() as u64));
    drop(spool);
    assert!(!written.exists());
    let file = artifacts.file(&digest).await.unwrap();
    assert_eq!(read_file(&file.path, &digest).unwrap(), content);
    assert!(matches!(read_file(&file.path, &Digest::of(b"")), Err(ArtifactError::Damaged { .. })));
    assert!(matches!(artifacts.file(&Digest::of(b"none")).await, Err(ArtifactError::Missing(_))));
}

#[tokio::test]
async fn what_nothing_names_is_removed_unless_it_is_recent() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let named = artifacts.put(Bytes::from_static(b"named")).await.unwrap();
    let orphan = artifacts.put(Bytes::from_static(b"orphan")).await.unwrap();
    let names = std::collections::HashSet::from([named]);
    let hour = std::time::Duration::from_secs(3600);
    assert_eq!(artifacts.collect(&names, hour).await.unwrap(), Collected::default(), "it may be named in a moment");
    // As if both had been stored long ago: files say so, and this process knows nothing of it.
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    let long_ago = std::time::SystemTime::now() - 2 * hour;
    for file in files(folder.path()) {
        std::fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
    }
    // Handed in again, an old file is as good as a new one.
    artifacts.put_stream(pieces(&[b"orphan"]), 9).await.unwrap();
    assert_eq!(artifacts.collect(&names, hour).await.unwrap(), Collected::default());
    let artifacts = Artifacts::on_disk(folder.path()).unwrap();
    assert_eq!(artifacts.collect(&names, hour).await.unwrap(), Collected { files: 1, bytes: 6 });
    assert_eq!(artifacts.get(&named).await.unwrap(), "named");
    assert!(matches!(artifacts.get(&orphan).await, Err(ArtifactError::Missing(_))));
}

/// Of a folder that several processes share, what one is writing is not another's to remove, however late that one comes.
#[tokio::test]
async fn of_a_shared_folder_only_what_is_old_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let (files, of) = (folder.path().join("files"), |name: &str| folder.path().join(name));
    let one = Artifacts::shared(&files, &of("one")).unwrap();
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"under way"))]);
    let staged = one.stage(pieces, 100).await.unwrap();
    let left = files.join(INCOMING).join("left");
    std::fs::write(&left, "half").unwrap();
    let two_days_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
    std::fs::File::options().write(true).open(&left).unwrap().set_modified(two_days_ago).unwrap();
    let two = Artifacts::shared(&files, &of("two")).unwrap();
    assert!(!left.exists(), "nobody writes it any more");
    let digest = one.keep(staged).await.unwrap();
    assert_eq!(two.get(&digest).await.unwrap(), "under way");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&files).unwrap().permissions().mode() & 0o777, 0o700, "inputs are in it");
    }
}
