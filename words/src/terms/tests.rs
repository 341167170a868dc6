use super::*;

fn all(text: &str) -> Vec<String> {
    of_passage(text, Language::of(text))
}

fn shared(question: &str, passage: &str) -> Vec<String> {
    let passage = all(passage);
    let forms = of_question(question).into_iter().flat_map(|term| term.forms);
    forms.map(|(form, _)| form).filter(|form| passage.contains(form)).collect()
}

#[test]
fn identifiers_are_found_whole_and_in_parts() {
    assert_eq!(all("Entry::or_insert"), ["entri", "or_insert", "insert"]);
    assert_eq!(all("HashMap"), ["hashmap", "hash", "map"]);
    assert_eq!(all("HTTP"), ["http"]);
}

#[test]
fn numbers_and_part_numbers_are_exact_terms() {
    assert!(all("Spring PZ-3305-Q fits.").contains(&"pz-3305-q".to_owned()));
    assert!(all("version 2.10.7").contains(&"2.10.7".to_owned()));
    assert_eq!(all("014"), ["014"]);
    assert_eq!(shared("price of 4,300", "4.300 pieces"), ["4300"]);
    assert!(!all("in 0.5 litres").contains(&"05".to_owned()));
    assert!(shared("PZ-3305-R", "PZ-3306-Q").iter().all(|term| term == "pz"));
}

#[test]
fn words_are_found_in_their_forms_in_their_language() {
    assert_eq!(
        shared("Welche Verträge?", "Die Verträge sind vom Vertrag und nicht von der Firma."),
        ["de:vertrag"]
    );
    assert_eq!(shared("les conditions générales", "Une condition générale est dans le contrat.").len(), 2);
    assert_eq!(shared("borrowing", "She borrowed it from the shop."), ["borrow"]);
    assert_eq!(shared("перевозка грузов", "Перевозки и грузы"), ["перевозк", "груз"]);
}

#[test]
fn a_compound_is_found_by_its_parts() {
    let passage = "Die Frist für eine Kündigung ist drei Monate.";
    assert_eq!(shared("Wie lang ist die Kündigungsfrist?", passage).len(), 2);
}

#[test]
fn scripts_without_spaces_are_compared_by_pairs_of_characters() {
    assert_eq!(shared("退款申请", "退款须申请"), ["退款", "申请"]);
    assert_eq!(shared("図書館はどこですか", "図書館は駅の前です"), ["図書", "書館"]);
    assert_eq!(shared("食べる？", "パンを食べる"), ["食べ"]);
    assert_eq!(shared("コンテナの設定", "コンテナ"), ["コンテナ", "コン", "ンテ", "テナ"]);
    assert_eq!(shared("서울에서 부산까지", "서울과 부산"), ["서울", "부산"]);
}

#[test]
fn composed_and_decomposed_letters_are_equal() {
    assert_eq!(all("re\u{301}sume\u{301}"), all("résumé"));
    assert_eq!(shared("ＵＳＢ", "a USB port"), ["usb"]);
}

#[test]
fn acronyms_are_no_stop_words() {
    assert_eq!(shared("Who leads the WHO?", "The WHO has a leader"), ["who"]);
    assert!(of_question("What is it, and how do I?").is_empty());
}

#[test]
fn names_in_a_text_of_another_script_are_found_by_a_question_in_it() {
    assert_eq!(shared("Pelorus のポートは？", "Pelorus を使うとき、ポートは固定です。")[0], "pelorus");
}

#[test]
fn names_numbers_and_identifiers_are_told_from_other_words() {
    let names = |question: &str| -> Vec<String> {
        let names = of_question(question).into_iter().filter(|term| term.is_name);
        names
            .filter_map(|term| term.forms.into_iter().map(|(form, _)| form).find(|f| !f.contains(':')))
            .collect()
    };
    assert_eq!(names("Which port has Pelorus on K7?"), ["pelorus", "k7"]);
    assert_eq!(names("Pelorus のポートは？"), ["pelorus"]);
    assert!(names("Welche Farbe hat der Mantel?").is_empty());
    assert_eq!(names("Can 20 boats moor at berth 471?"), ["471"]);
    // Function words are no names where they stand first, and an identifier is one name.
    assert!(
        names("Explain the tides. ").is_empty() && names("Quelle heure est-il dans le port ?").is_empty()
    );
    assert_eq!(names("Pelorus: how does it ask GullHub for pq-771-b?"), ["pelorus", "gullhub", "pq-771-b"]);
}
