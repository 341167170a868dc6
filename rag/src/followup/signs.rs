//! The words by which a question continues the conversation, in many languages.

use words::Language;

/// The longest follow-up question, in words. A longer question names its subject.
const MAX_FOLLOWUP_WORDS: usize = 9;

/// The words of a language with spaces.
struct Signs {
    /// Beginnings of a question that continue the one before it.
    beginnings: &'static [&'static str],
    /// Words that refer to an earlier turn.
    referring: &'static [&'static str],
}

const ENGLISH: Signs = Signs {
    beginnings: &[
        "and",
        "but",
        "or",
        "so",
        "then",
        "also",
        "what about",
        "how about",
        "why",
        "why not",
        "and why",
        "for example",
    ],
    referring: &[
        "above", "again", "former", "he", "her", "his", "instead", "it", "its", "latter", "one", "ones",
        "same", "she", "such", "that", "their", "them", "these", "they", "this", "those",
    ],
};
const GERMAN: Signs = Signs {
    beginnings: &[
        "und",
        "aber",
        "oder",
        "also",
        "dann",
        "wieso",
        "warum",
        "auch",
        "zum beispiel",
        "was ist mit",
    ],
    referring: &[
        "das",
        "dafür",
        "damit",
        "daran",
        "darauf",
        "darin",
        "darüber",
        "davon",
        "dazu",
        "deren",
        "dessen",
        "dies",
        "diese",
        "diesem",
        "diesen",
        "dieser",
        "dieses",
        "dort",
        "er",
        "es",
        "ihm",
        "ihn",
        "ihr",
        "ihre",
        "ihrem",
        "ihren",
        "ihrer",
        "seine",
        "seinem",
        "seinen",
        "seiner",
        "sie",
        "stattdessen",
    ],
};
const FRENCH: Signs = Signs {
    beginnings: &["et", "mais", "ou", "alors", "donc", "pourquoi", "aussi", "par exemple", "qu en est il"],
    referring: &[
        "ça", "cela", "ceci", "celle", "celles", "celui", "ceux", "elle", "elles", "en", "eux", "il", "ils",
        "leur", "leurs", "lui", "sa", "ses", "son", "y",
    ],
};
const SPANISH: Signs = Signs {
    beginnings: &["y", "pero", "o", "entonces", "también", "por qué", "por ejemplo", "qué pasa con"],
    referring: &[
        "eso", "esa", "ese", "esto", "esta", "este", "aquello", "ello", "él", "ella", "ellos", "ellas",
        "allí", "su", "sus",
    ],
};
const ITALIAN: Signs = Signs {
    beginnings: &["e", "ma", "o", "allora", "quindi", "anche", "perché", "per esempio"],
    referring: &[
        "ciò", "questo", "questa", "questi", "queste", "quello", "quella", "lui", "lei", "loro", "esso",
        "essa", "sua", "sue", "suo", "suoi",
    ],
};
const PORTUGUESE: Signs = Signs {
    beginnings: &["e", "mas", "ou", "então", "também", "por que", "por quê", "por exemplo"],
    referring: &[
        "isso", "isto", "esse", "essa", "este", "esta", "aquilo", "ele", "ela", "eles", "elas", "disso",
        "lá", "dela", "dele", "seu", "seus", "sua", "suas",
    ],
};
const DUTCH: Signs = Signs {
    beginnings: &["en", "maar", "of", "dus", "dan", "ook", "waarom", "bijvoorbeeld"],
    referring: &[
        "dat", "dit", "deze", "die", "daarvan", "daarvoor", "ermee", "ervan", "hij", "zij", "hem", "hun",
        "haar",
    ],
};
const SWEDISH: Signs = Signs {
    beginnings: &["och", "men", "eller", "så", "då", "varför"],
    referring: &[
        "den", "det", "dess", "dessa", "detta", "de", "dem", "deras", "hon", "han", "hans", "hennes",
    ],
};
const DANISH: Signs = Signs {
    beginnings: &["og", "men", "eller", "så", "hvorfor"],
    referring: &[
        "den", "dens", "det", "disse", "dette", "de", "dem", "deres", "hun", "han", "hans", "hendes",
    ],
};
const RUSSIAN: Signs = Signs {
    beginnings: &["а", "и", "но", "или", "тогда", "почему", "например"],
    referring: &[
        "это",
        "этот",
        "эта",
        "эти",
        "этого",
        "он",
        "она",
        "оно",
        "они",
        "его",
        "её",
        "ее",
        "их",
        "там",
    ],
};
const GREEK: Signs = Signs {
    beginnings: &["και", "αλλά", "ή", "τότε", "γιατί"],
    referring: &["αυτό", "αυτός", "αυτή", "αυτά", "αυτοί", "εκεί"],
};
const HINDI: Signs = Signs {
    beginnings: &["और", "लेकिन", "या", "तो", "फिर", "क्यों"],
    referring: &["यह", "वह", "इसका", "इसकी", "इसके", "इसे", "उसका", "उसकी", "उसके", "उसे", "वहाँ", "ये", "वे"],
};
const ARABIC: Signs = Signs {
    beginnings: &[
        "و",
        "وما",
        "وماذا",
        "ولماذا",
        "وكيف",
        "ومتى",
        "وأين",
        "وهل",
        "وكم",
        "ومن",
        "لكن",
        "أو",
        "لماذا",
        "إذن",
    ],
    referring: &[
        "هذا", "هذه", "ذلك", "تلك", "هو", "هي", "هم", "هناك", "منه", "منها", "فيه", "فيها", "له", "لها",
    ],
};
const HEBREW: Signs = Signs {
    beginnings: &["אבל", "או", "אז", "למה", "ומה", "ואיך", "ומתי"],
    referring: &["זה", "זאת", "הוא", "היא", "הם", "שם", "שלו", "שלה", "שלהם"],
};

/// The beginnings, ends and parts of a question in a script without spaces.
struct Parts {
    beginnings: &'static [&'static str],
    ends: &'static [&'static str],
    referring: &'static [&'static str],
    /// The longest follow-up question, in characters.
    max_chars: usize,
}

const CHINESE: Parts = Parts {
    beginnings: &["那", "那么", "还有", "然后", "但是", "而且", "为什么", "如果不", "另外"],
    ends: &["呢"],
    referring: &[
        "其", "它", "他们", "她", "这个", "那个", "这些", "那些", "这样", "上面", "前面", "刚才", "后者",
        "前者",
    ],
    max_chars: 18,
};
const JAPANESE: Parts = Parts {
    beginnings: &[
        "では",
        "じゃ",
        "それ",
        "その",
        "そこ",
        "これ",
        "この",
        "また",
        "でも",
        "なぜ",
        "ほかに",
        "他に",
        "あと",
    ],
    ends: &["は", "なら", "の場合は"],
    referring: &["それ", "その", "これ", "そこ", "彼", "同じ", "上記"],
    max_chars: 24,
};
const KOREAN: Parts = Parts {
    beginnings: &["그럼", "그러면", "그리고", "그런데", "근데", "그건", "그것", "그거", "그 ", "왜", "또"],
    ends: &["은요", "는요", "이요", "은", "는"],
    referring: &["그건", "그것", "그거", "이것", "이건", "그곳", "거기", "그들"],
    max_chars: 24,
};
const THAI: Parts = Parts {
    beginnings: &["แล้ว", "และ", "แต่", "หรือ", "ทำไม"],
    ends: &["ล่ะ"],
    referring: &["มัน", "นั้น", "นี้", "พวกเขา"],
    max_chars: 40,
};

/// Whether a question is short and begins as a continuation, or refers to something outside of it.
pub(super) fn leans_on_the_conversation(question: &str) -> bool {
    let question = words::normalized(question);
    match Language::of(&question).unwrap_or(Language::English) {
        Language::English => ENGLISH.are_in(&question),
        Language::German => GERMAN.are_in(&question),
        Language::French => FRENCH.are_in(&question),
        Language::Spanish => SPANISH.are_in(&question),
        Language::Italian => ITALIAN.are_in(&question),
        Language::Portuguese => PORTUGUESE.are_in(&question),
        Language::Dutch => DUTCH.are_in(&question),
        Language::Swedish => SWEDISH.are_in(&question),
        Language::Danish | Language::Norwegian => DANISH.are_in(&question),
        Language::Russian => RUSSIAN.are_in(&question),
        Language::Greek => GREEK.are_in(&question),
        Language::Hindi => HINDI.are_in(&question),
        Language::Arabic => ARABIC.are_in(&question) || has_suffix(&question),
        Language::Hebrew => HEBREW.are_in(&question),
        Language::Chinese => CHINESE.are_in(&question),
        Language::Japanese => JAPANESE.are_in(&question),
        Language::Korean => KOREAN.are_in(&question),
        Language::Thai => THAI.are_in(&question),
    }
}

/// The longest Arabic question in which a suffix alone refers to an earlier turn, in words.
const MAX_SUFFIX_WORDS: usize = 4;
const MIN_SUFFIXED_CHARS: usize = 4;

/// Whether a short Arabic question has a word with the suffix of `its`, as in `وزنه`.
fn has_suffix(question: &str) -> bool {
    let words: Vec<String> = words::words(question).map(|word| word.lower).collect();
    let is_suffixed = |word: &String| {
        word.chars().count() >= MIN_SUFFIXED_CHARS && (word.ends_with('ه') || word.ends_with("ها"))
    };
    words.len() <= MAX_SUFFIX_WORDS && words.iter().skip(1).any(is_suffixed)
}

impl Signs {
    fn are_in(&self, question: &str) -> bool {
        let words: Vec<String> = words::words(question).map(|word| word.lower).collect();
        let line = words.join(" ");
        let continues = self.beginnings.iter().any(|start| {
            line.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        words.len() <= MAX_FOLLOWUP_WORDS
            && (continues || words.iter().any(|word| self.referring.contains(&word.as_str())))
    }
}

impl Parts {
    fn are_in(&self, question: &str) -> bool {
        let line = question.trim().trim_end_matches(['?', '？', '。', '.', ' ']);
        line.chars().count() <= self.max_chars
            && (self.beginnings.iter().any(|start| line.starts_with(start))
                || self.ends.iter().any(|end| line.ends_with(end))
                || self.referring.iter().any(|part| line.contains(part)))
    }
}
