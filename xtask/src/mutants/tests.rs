use std::{collections::BTreeSet, fs, path::Path, process::Command, time::Duration};

use super::{
    check, complaint, list,
    list::{Mutant, lists, parse},
    results::{Results, Row},
    tree::Tree,
    trial::{Fate, failed_tests, try_mutant, try_unchanged},
};

/// A crate with one check, and a test that is too weak for half of it.
const LIBRARY: &str = "\
pub fn admits(age: u32) -> bool {
    age >= 18
        && age != 99
}

#[test]
fn children_are_refused() {
    assert!(!admits(17));
}
";

const LIST: &str = r#"
[[mutant]]
id = "any-age"
what = "age is not looked at"
file = "src/lib.rs"
find = "age >= 18\n"
replace = "age < 1000\n"
tests = ["--lib"]

[[mutant]]
id = "ninety-nine"
what = "one exception | less"
file = "src/lib.rs"
find = "        && age != 99\n"
replace = ""
tests = ["--lib"]
survives = "nobody is that old"

[[mutant]]
id = "no-rust"
what = "does not compile"
file = "src/lib.rs"
find = "age >= 18"
replace = "age is enough"
tests = ["--lib"]

[[mutant]]
id = "for-ever"
what = "never answers"
file = "src/lib.rs"
find = "    age >= 18\n"
replace = "    loop { std::hint::spin_loop() }; true\n"
tests = ["--lib"]

[[mutant]]
id = "generated"
what = "a command writes the mutant"
file = "unread.txt"
find = "genuine"
replace = "spoilt"
tests = ["--lib"]
prepare = ["sh", "-c", "grep -q spoilt unread.txt && echo 'pub fn admits(_: u32) -> bool { true }' > made.rs && sed -n '5,$p' src/lib.rs >> made.rs && mv made.rs src/lib.rs && touch left-behind"]
"#;

fn written(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    written(
        root,
        &[
            ("Cargo.toml", "[package]\nname = \"club\"\nedition = \"2024\"\n[workspace]\n"),
            (".gitignore", "/target\n"),
            ("src/lib.rs", LIBRARY),
            ("unread.txt", "genuine\n"),
            ("mutants/club.toml", LIST),
        ],
    );
    assert!(Command::new("git").args(["init", "-q"]).current_dir(root).status().expect("git").success());
    folder
}

fn named(mutants: &[Mutant], id: &str) -> Mutant {
    mutants.iter().find(|mutant| mutant.id == id).expect("in the list").clone()
}

#[test]
fn each_fate_is_told_and_the_tree_is_left_alone() {
    let folder = project();
    let root = folder.path();
    let mutants = lists(root).expect("readable");
    list::check(root, &mutants).expect("they fit");
    let tree = Tree::new(root).expect("a copy");
    let taken = try_unchanged(&tree, &["--lib".into()]).expect("holds");
    assert!(taken < Duration::from_secs(60));

    let fate_within = |id, limit| try_mutant(&tree, &named(&mutants, id), limit).expect("runs").fate;
    let fate = |id| fate_within(id, Duration::from_secs(300));
    let killed = Fate::Killed { by: BTreeSet::from(["children_are_refused".to_owned()]) };
    assert_eq!(fate("any-age"), killed);
    assert_eq!(fate("ninety-nine"), Fate::Survived);
    assert!(matches!(fate("no-rust"), Fate::DoesNotBuild { why } if why.starts_with("error")));
    let limit = Duration::from_secs(3);
    assert_eq!(fate_within("for-ever", limit), Fate::TimedOut { limit });
    assert_eq!(fate("generated"), killed);

    // A tree that is edited meanwhile does not change what is tried.
    written(root, &[("src/lib.rs", "no longer Rust")]);
    assert_eq!(fate("ninety-nine"), Fate::Survived);
    written(root, &[("src/lib.rs", LIBRARY)]);

    // What a mutant changed or generated is gone, in the copy; in the original nothing ever changed.
    for place in [root, tree.path()] {
        assert_eq!(fs::read_to_string(place.join("src/lib.rs")).expect("readable"), LIBRARY);
        assert!(!place.join("left-behind").exists());
    }
    assert!(Tree::new(root).is_err(), "one at a time");
}

#[test]
fn tests_that_say_nothing_are_refused() {
    let folder = project();
    let tree = Tree::new(folder.path()).expect("a copy");
    let none = try_unchanged(&tree, &["--lib".into(), "a_name_that_no_test_has".into()]);
    assert!(none.expect_err("no test").to_string().contains("runs no test"));

    let folder = project();
    written(folder.path(), &[("src/lib.rs", &LIBRARY.replace("!admits(17)", "admits(17)"))]);
    let tree = Tree::new(folder.path()).expect("a copy");
    let fails = try_unchanged(&tree, &["--lib".into()]);
    assert!(fails.expect_err("a failing test").to_string().contains("killed by `children_are_refused`"));
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let folder = project();
    let changed = |from: &str, to: &str| {
        let text = LIST.replacen(from, to, 1);
        assert_ne!(text, LIST, "{from}");
        list::check(folder.path(), &parse("club", &text).expect("TOML")).expect_err("refused").to_string()
    };
    assert!(changed("age >= 18\\n", "age").contains("occurs 3 times"));
    assert!(changed("age >= 18", "year >= 18").contains("occurs 0 times"));
    assert!(changed("ninety-nine", "any-age").contains("another mutant of this id"));
    assert!(changed("any-age", "Any age").contains("an id is"));
    assert!(changed("[\"--lib\"]", "[]").contains("`tests` is empty"));
    assert!(changed("[\"--lib\"]", "[\"forge\"]").contains("`tests` is empty"));
    assert!(changed("age < 1000\\n", "age >= 18\\n").contains("are equal"));
    assert!(changed("src/lib.rs", "../lib.rs").contains("from the repository's root"));
    assert!(changed("src/lib.rs", "src/main.rs").contains("cannot read"));
    assert!(parse("club", &LIST.replacen("what", "why", 1)).is_err(), "unknown fields");
}

#[test]
fn results_are_kept_read_again_and_checked() {
    let folder = project();
    let root = folder.path();
    let mutants = lists(root).expect("readable");
    let mut results = Results::default();
    assert!(check(root).expect_err("no results").to_string().contains("cannot read"));
    results.write(root, &mutants).expect("writable");
    check(root).expect("as written");
    let text = results.render(&mutants);
    assert!(text.contains(&format!("Never run: {}", mutants.len())) && text.contains("- club/any-age\n"), "{text}");
    for mutant in &mutants {
        let fate = if mutant.survives.is_some() { "survived" } else { "killed by `a`, `b`" };
        results.set(&mutant.name, Row { fate: fate.into(), place: "abc, 2026-01-01".into() });
    }
    results.write(root, &mutants).expect("writable");
    check(root).expect("as written");

    let text = results.render(&mutants);
    assert_eq!(Results::parse(&text).render(&mutants), text, "nothing is lost by reading it again");
    assert!(text.contains("5 mutants: 4 killed, 1 survived. Run at abc, 2026-01-01."));
    assert!(text.contains("| club/ninety-nine | nobody is that old |"));
    assert!(text.contains("one exception \\| less |"));

    let path = "mutants/results.md";
    let spoilt = |from: &str, to: &str| {
        assert!(text.contains(from));
        written(root, &[(path, &text.replace(from, to))]);
        check(root).expect_err("refused").to_string()
    };
    assert!(spoilt("4 killed", "5 killed").contains("is not what the lists"));
    assert!(spoilt("| survived |", "| killed by `c` |").contains("its list says otherwise"));
    assert!(spoilt("age is not looked at", "age is looked at").contains("is not what the lists"));
}

#[test]
fn what_comes_out_otherwise_is_named() {
    let mutants = parse("club", LIST).expect("TOML");
    let killed = Fate::Killed { by: BTreeSet::new() };
    let late = Fate::TimedOut { limit: Duration::from_secs(1) };
    let (weak, accepted) = (named(&mutants, "any-age"), named(&mutants, "ninety-nine"));
    assert_eq!(complaint(&weak, &killed), None);
    assert_eq!(complaint(&weak, &late), None);
    assert_eq!(complaint(&accepted, &Fate::Survived), None);
    assert!(complaint(&weak, &Fate::Survived).expect("wrong").contains("write a test"));
    assert!(complaint(&accepted, &killed).expect("wrong").contains("take its `survives`"));
    let broken = Fate::DoesNotBuild { why: "error".into() };
    for mutant in [weak, accepted] {
        assert!(complaint(&mutant, &broken).expect("wrong").contains("mend the list"));
    }
}

#[test]
fn failing_tests_are_read_from_the_output() {
    let output = "running 3 tests\ntest a::b ... ok\ntest a::c ... FAILED\ntest d - should panic ... FAILED\n";
    assert_eq!(failed_tests(output), BTreeSet::from(["a::c".to_owned(), "d - should panic".to_owned()]));
    let output = "[PASS] test_a() (gas: 5)\n[FAIL: NotTrue(\"x\")] test_b() (gas: 7)\n\
                  [FAIL: y; counterexample: calldata=0x01 args=[1, [2]]] testFuzz_c(uint256) (runs: 3, \u{3bc}: 1)\n";
    assert_eq!(failed_tests(output), BTreeSet::from(["test_b".to_owned(), "testFuzz_c".to_owned()]));
    let many = (0..5).map(|index| format!("t{index}")).collect();
    assert_eq!(Fate::Killed { by: many }.to_string(), "killed by `t0`, `t1`, `t2` and 2 more");
    assert_eq!(Fate::Killed { by: BTreeSet::new() }.to_string(), "killed: the test program crashed");
}
