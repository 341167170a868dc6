use aggregates::{AggregateType, Version};

use super::*;

fn parse(text: &str) -> Result<MasterKey, InvalidMasterKey> {
    MasterKey::parse(&text.into())
}

fn master() -> MasterKey {
    parse(&"07".repeat(32)).unwrap()
}

fn event(sequence: u64) -> AssociatedData<'static> {
    AssociatedData::Event {
        aggregate: AggregateType::Conversation,
        aggregate_id: Uuid::from_u128(1),
        sequence: Version(sequence),
        event_type: "QuestionAsked",
    }
}

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

#[test]
fn a_text_is_decrypted_with_the_associated_data_of_its_own_place_only() {
    let (user_key, wrapped) = master().new_user_key(user(2)).unwrap();
    assert_eq!(master().unwrap_user_key(user(2), &wrapped).unwrap(), user_key);
    let subject = Subject::Conversation(Uuid::from_u128(1));
    let (key, wrapped) = user_key.new_content_key(subject).unwrap();
    assert_eq!(user_key.unwrap_content_key(subject, &wrapped).unwrap(), key);
    let sealed = key.seal(&event(1), b"hello").unwrap();
    assert_eq!(key.open(&event(1), &sealed), Ok(b"hello".to_vec()));
    assert_eq!(key.open(&event(2), &sealed), Err(SealError::Mismatch));
    let opener = key.opener().unwrap();
    assert_eq!(opener.open(&event(1), sealed.clone()), Ok(b"hello".to_vec()));
    assert_eq!(opener.open(&event(2), sealed), Err(SealError::Mismatch));
}

#[test]
fn a_secret_is_decrypted_under_its_own_name_only() {
    let sealed = master().seal_secret("one", b"hush").unwrap();
    assert_eq!(**master().open_secret("one", &sealed).unwrap(), *b"hush");
    assert_eq!(master().open_secret("other", &sealed).err(), Some(SealError::Mismatch));
}

#[test]
fn a_wrapped_key_belongs_to_its_user_alone() {
    let (_, wrapped) = master().new_user_key(user(2)).unwrap();
    assert_eq!(master().unwrap_user_key(user(3), &wrapped).err(), Some(SealError::Mismatch));
}

#[test]
fn the_key_of_an_account_comes_from_its_users_key_alone() {
    let (user_key, wrapped) = master().new_user_key(user(2)).unwrap();
    let again = master().unwrap_user_key(user(2), &wrapped).unwrap();
    let sealed = user_key.account_key().seal(&event(1), b"hello").unwrap();
    assert_eq!(again.account_key().open(&event(1), &sealed), Ok(b"hello".to_vec()));
    let (other, _) = master().new_user_key(user(2)).unwrap();
    assert_eq!(other.account_key().open(&event(1), &sealed), Err(SealError::Mismatch));
}

#[test]
fn repeatable_encryption_gives_equal_bytes_for_equal_input_only() {
    let key = ContentKey::random().unwrap();
    let first = key.seal_repeatably(&event(1), b"a").unwrap();
    assert_eq!(first, key.seal_repeatably(&event(1), b"a").unwrap());
    assert_ne!(first, key.seal_repeatably(&event(1), b"b").unwrap());
    assert_ne!(first, key.seal_repeatably(&event(2), b"a").unwrap());
    assert_eq!(key.open(&event(1), &first), Ok(b"a".to_vec()));
}

#[test]
fn a_master_key_is_hexadecimal_or_base64_of_32_bytes_and_nothing_else() {
    let hexadecimal = parse(&format!(" {}\n", "0f".repeat(32))).unwrap();
    assert_eq!(hexadecimal.id(), parse(&"0F".repeat(32)).unwrap().id());
    assert_eq!(hexadecimal.id(), parse(&STANDARD.encode([0x0f; 32])).unwrap().id());
    for text in ["secret", "", &"0f".repeat(31), &"0g".repeat(32), &STANDARD.encode([3; 33])] {
        assert_eq!(parse(text).err(), Some(InvalidMasterKey), "{text:?}");
    }
}

/// Stored ciphertexts and key ids depend on these values: they must never change.
#[test]
fn derived_values_stay_the_same_for_ever() {
    let master = master();
    assert_eq!(master.id(), "923b5cb55847023f");
    let derived = "38112f0f74a591bfcd96bf01c608326d38ecedbaaf60d5ea8225c8c45c23db82";
    assert_eq!(hex::encode(master.derive("cursor").as_bytes()), derived);
    let key = || Key::from_slice(&[7; 32]).unwrap();
    let sealed = ContentKey(key()).seal_repeatably(&event(1), b"a").unwrap();
    assert_eq!(hex::encode(sealed), "01ff72d56abbfda941589ca10cab01fa77bd375b20f70ea971565f7884bd");
    let blind = UserKey(key()).blind_key();
    assert_eq!(blind.lexeme("ownership").as_str(), "Cr39Z2_RoYIFSOEHu9");
    assert_eq!(blind.tag("rust").as_str(), "iCAKVlslYc");
}

#[test]
fn different_keys_differ_and_no_key_is_printed() {
    let (one, other) = (ContentKey::random().unwrap(), ContentKey::random().unwrap());
    assert_ne!(one, other);
    assert_eq!(one, one.clone());
    let (user_key, _) = master().new_user_key(user(2)).unwrap();
    let printed = format!("{one:?} {user_key:?} {:?} {:?}", user_key.blind_key(), master().derive("x"));
    assert_eq!(printed, "ContentKey(Key(…)) UserKey(Key(…)) BlindKey(…) DerivedKey(…)");
}

#[test]
fn a_key_is_wiped_when_it_is_dropped() {
    fn is_wiped_on_drop<T: ZeroizeOnDrop>() {}
    is_wiped_on_drop::<Key>();
    is_wiped_on_drop::<BlindKey>();
    is_wiped_on_drop::<DerivedKey>();
    let mut key = Key::from_slice(&[7; 32]).unwrap();
    key.zeroize();
    assert_eq!(key.as_bytes(), &[0; 32]);
}

#[test]
fn a_subject_is_found_by_the_name_of_its_kind() {
    let id = Uuid::from_u128(1);
    for subject in [Subject::User(UserId::new(id)), Subject::Conversation(id), Subject::Document(id)] {
        assert_eq!(Subject::named(subject.kind(), subject.id()), Ok(subject));
    }
    assert!(Subject::named("drawer", id).is_err());
}

#[test]
fn a_changed_or_truncated_ciphertext_is_refused_without_a_panic() {
    let key = ContentKey::random().unwrap();
    let sealed = key.seal(&event(1), b"hello").unwrap();
    for length in 0..sealed.len() {
        assert!(key.open(&event(1), &sealed[..length]).is_err());
        let mut changed = sealed.clone();
        changed[length] ^= 1;
        assert!(key.open(&event(1), &changed).is_err());
    }
}
