//! Tests of the decoder.

use super::*;

#[test]
fn marked_and_declared_encodings_are_used() {
    assert_eq!(decode("\u{feff}é".as_bytes()), "é");
    assert_eq!(decode(b"\xff\xfeh\0i\0"), "hi");
    assert_eq!(decode(b"\xfe\xff\0h\0i"), "hi");
    let page = b"<meta charset=\"windows-1251\"><p>\xcf\xee\xe5\xe7\xe4</p>";
    assert!(decode_markup(page).contains("Поезд"));
    let xml = b"<?xml version='1.0' encoding='ISO-8859-2'?><a>\xb3\xf3d\xbc</a>";
    assert!(decode_markup(xml).contains("łódź"));
}

#[test]
fn a_declaration_that_the_bytes_contradict_is_ignored() {
    let xml = "<?xml version='1.0' encoding='utf-16'?><a>The ferry is late.</a>";
    assert_eq!(decode_markup(xml.as_bytes()), xml);
    let page = "<meta charset='iso-8859-1'><p>Die Fähre fährt „heute“.</p>";
    assert_eq!(decode_markup(page.as_bytes()), page);
}

#[test]
fn text_from_terminals_and_old_systems_is_read_as_it_is_shown() {
    for (bytes, text) in [
        ("one\rtwo\r\nthree\u{c}four", "one\ntwo\nthree\nfour"),
        ("\u{1b}[1;32mOK\u{1b}[0m pump\u{1a}", "OK pump"),
        ("F\u{8}Fe\u{8}er\u{8}rr\u{8}ry\u{8}y _\u{8}a", "Ferry a"),
        ("\u{1b}$B%U%'%j!<$OH,;~$G$9!#\u{1b}(B", "フェリーは八時です。"),
    ] {
        assert_eq!(decode(bytes.as_bytes()), text);
    }
}

#[test]
fn encodings_are_recognised() {
    let cases: [(&Encoding, &str); 7] = [
        (
            encoding_rs::SHIFT_JIS,
            "最終のフェリーは三番桟橋から午後八時二十分に出発します。自転車は無料です。",
        ),
        (encoding_rs::GBK, "末班渡轮于晚上八点二十分从三号码头出发。自行车免费。退款须在十四天内申请。"),
        (encoding_rs::EUC_KR, "마지막 연락선은 세 번째 부두에서 저녁 여덟 시 이십 분에 출발합니다."),
        (encoding_rs::KOI8_U, "Последний паром отходит от третьего причала в двадцать минут девятого."),
        (encoding_rs::WINDOWS_1251, "Последний паром отходит от третьего причала в двадцать минут девятого."),
        (encoding_rs::WINDOWS_1252, "Das Café „Zur Brücke“ kostet 4 € und schließt um neun – täglich."),
        (
            encoding_rs::ISO_8859_2,
            "Ostatni prom odpływa z trzeciego mola wieczorem, łódź czeka na pasażerów.",
        ),
    ];
    for (encoding, text) in cases {
        let (bytes, _, _) = encoding.encode(text);
        assert_eq!(decode(&bytes), text, "{}", encoding.name());
    }
}

#[test]
fn utf_16_is_recognised_without_a_mark() {
    for text in [
        "The ferry leaves at eight.\nBicycles travel free.",
        "末班渡轮于晚上出发。\n自行车免费，不收费用。\n",
    ] {
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(decode(&little), text);
        assert_eq!(decode(&big), text);
    }
}

#[test]
fn a_damaged_byte_costs_one_character_and_composed_forms_are_used() {
    let mut bytes = "Das Café „Zur Brücke“ schließt um neun. ".as_bytes().to_vec();
    bytes.extend_from_slice(b"cut \xe2\x82");
    assert_eq!(decode(&bytes), "Das Café „Zur Brücke“ schließt um neun. cut \u{fffd}");
    assert_eq!(decode(b"caf\xe9"), "café");
    assert_eq!(decode("cre\u{300}me".as_bytes()), "crème");
}

/// Texts of several languages, in sentences with few other characters beyond ASCII.
const WESTERN: [&str; 7] = [
    "Die letzte Fähre fährt um neun. Fahrräder dürfen mit; für Hunde gilt die große Gepäckkarte. Schöne Grüße!",
    "L'été dernier, nous avons déjà préparé la forêt; où est le garçon ?",
    "El año pasado el niño comió aquí. ¿Dónde está la estación?",
    "Färjan går klockan åtta. Cyklar får följa med utan kostnad även på söndagar.",
    "Færgen sejler klokken otte. Børn rejser gratis på alle øer.",
    "Der Ofen war grün.",
    "ÜBERSICHT DER PRÜFUNGEN FÜR GÄSTE",
];

#[test]
fn texts_of_old_systems_are_recognised() {
    for text in WESTERN {
        for page in [CodePage::Dos850, CodePage::Dos437] {
            let has_all = text.chars().all(|c| page.decode(&[byte(page, c)]).starts_with(c));
            let bytes: Vec<u8> = text.chars().map(|c| byte(page, c)).collect();
            assert!(!has_all || decode(&bytes) == text, "{text}: {}", decode(&bytes));
        }
    }
    // In Spanish, the letters of old Macintoshes are dashes and apostrophes elsewhere.
    let [german, french, _, swedish, danish, ..] = WESTERN;
    for text in [german, french, swedish, danish, "It’s “free”, isn’t it – don’t wait."] {
        let (mac, _, had_errors) = encoding_rs::MACINTOSH.encode(text);
        assert!(!had_errors);
        assert_eq!(decode(&mac), text);
    }
    let boxed = b"\xda\xc4\xc4\xc4\xbf\r\n\xb3 Gr\x94\xe1e f\x81r G\x84ste \xb3\r\n\xc0\xc4\xc4\xc4\xd9";
    assert_eq!(decode(boxed), "┌───┐\n│ Größe für Gäste │\n└───┘");
    assert_eq!(decode_as(b"sch\x94n \xe1", Some("ibm850")), "schön ß");
}

fn byte(page: CodePage, c: char) -> u8 {
    (0..=255).find(|byte| page.decode(&[*byte]).starts_with(c)).unwrap_or(b'?')
}

#[test]
fn western_texts_of_windows_stay_what_they_are() {
    let signs = [
        "FOO™BAR und FOO™BAR",
        "L×B×H",
        "Paris•London•Rom",
        "Home›Kilns›Prices",
        "rock‘n‘roll",
        "SOCIéTé GéNéRALE, ÉLèVE, SœUR",
        "W/m²K at 5 µm, n° 4",
        "It’s “free” – don’t wait…and see",
        "naïve coöperation",
        "10 €/kg",
    ];
    for text in WESTERN.iter().copied().chain(signs) {
        let (bytes, _, had_errors) = encoding_rs::WINDOWS_1252.encode(text);
        assert!(!had_errors, "{text}");
        let guessed = reread(&bytes, text);
        assert_eq!(guessed, None, "{text}");
        if text.contains(' ') && !signs.contains(&text) {
            assert_eq!(decode(&bytes), text);
        }
    }
}

#[test]
fn utf_32_is_known_by_its_mark() {
    let text = "\u{feff}Ferry 😀é";
    let little: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let big: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    for bytes in [little.clone(), big] {
        assert_eq!(decode(&bytes), "Ferry 😀é");
        let mut sniffer = crate::extract::Sniffer::default();
        sniffer.update(&bytes);
        assert_eq!(sniffer.media_type("a.txt"), Some(crate::extract::MediaType::Plain));
    }
    // Damage costs one character, and a mark alone is no text.
    assert_eq!(decode(&[&little[..8], &[0xff; 4], &little[8..10]].concat()), "F\u{fffd}");
    assert_eq!(decode(&little[..4]), "");
}
