//! Given, when, then.

use cqrs_es::test::TestFramework;
use uuid::Uuid;

use super::*;
use crate::SessionId;

const OWNER: UserId = UserId::new(Uuid::from_u128(7));
const RECEIPT: ReceiptId = ReceiptId::new(Uuid::from_u128(9));

fn opened() -> AccountEvent {
    AccountEvent::AccountOpened { owner: OWNER }
}

fn requested() -> AccountEvent {
    AccountEvent::AccountErasureRequested { receipt: RECEIPT }
}

#[test]
fn the_first_request_opens_the_account_and_later_ones_change_nothing() {
    let framework = TestFramework::<Account>::with(());
    framework
        .given_no_previous_events()
        .when((OWNER, AccountCommand::Open))
        .then_expect_events(vec![opened()]);
    let framework = TestFramework::<Account>::with(());
    framework.given(vec![opened()]).when((OWNER, AccountCommand::Open)).then_expect_events(vec![]);
}

#[test]
fn instructions_replace_earlier_ones_until_the_account_is_erased() {
    let instruct = |text: Option<&str>, temperature| AccountCommand::Instruct {
        instructions: text.map(|text| crate::Instructions::parse(text).unwrap()),
        temperature,
    };
    let instructed = |text: Option<&str>, temperature| AccountEvent::AccountInstructed {
        temperature,
        private: Private::Open(Instructed {
            instructions: text.map(|text| crate::Instructions::parse(text).unwrap()),
        }),
    };
    let warm = crate::Temperature::try_from(1.5).ok();
    TestFramework::<Account>::with(())
        .given(vec![opened(), instructed(Some("Be brief."), None)])
        .when((OWNER, instruct(None, warm)))
        .then_expect_events(vec![instructed(None, warm)]);
    TestFramework::<Account>::with(())
        .given(vec![opened(), requested()])
        .when((OWNER, instruct(Some("Be brief."), None)))
        .then_expect_error(AccountRefused::Erasing);
}

#[test]
fn an_account_that_is_being_erased_cannot_be_opened_again() {
    TestFramework::<Account>::with(())
        .given(vec![opened(), requested()])
        .when((OWNER, AccountCommand::Open))
        .then_expect_error(AccountRefused::Erasing);
}

#[test]
fn a_store_is_recorded_as_erased_once() {
    let erased = AccountEvent::StoreErased { store: ErasureTarget::Files };
    TestFramework::<Account>::with(())
        .given(vec![opened(), requested(), erased])
        .when((OWNER, AccountCommand::RecordStoreErased { store: ErasureTarget::Files }))
        .then_expect_events(vec![]);
}

#[test]
fn an_erasure_that_was_not_requested_is_not_recorded() {
    TestFramework::<Account>::with(())
        .given(vec![opened()])
        .when((OWNER, AccountCommand::RecordErased))
        .then_expect_error(AccountRefused::NotErasing);
}

const SESSION: SessionId = SessionId::new(Uuid::from_u128(11));
const ADMIN: UserId = UserId::new(Uuid::from_u128(13));

fn with(events: Vec<AccountEvent>) -> cqrs_es::test::AggregateTestExecutor<Account> {
    TestFramework::<Account>::with(()).given([vec![opened()], events].concat())
}

#[test]
fn a_role_is_changed_once_and_only_by_somebody_else() {
    let change = |role, by| (OWNER, AccountCommand::ChangeRole { role, by });
    let changed = AccountEvent::RoleChanged { role: UserRole::Auditor, by: ADMIN };
    with(vec![]).when(change(UserRole::Auditor, ADMIN)).then_expect_events(vec![changed.clone()]);
    with(vec![changed.clone()]).when(change(UserRole::Auditor, ADMIN)).then_expect_events(vec![]);
    let back = AccountEvent::RoleChanged { role: UserRole::User, by: UserId::SHARED };
    with(vec![changed]).when(change(UserRole::User, UserId::SHARED)).then_expect_events(vec![back]);
    with(vec![]).when(change(UserRole::Admin, OWNER)).then_expect_error(AccountRefused::OwnAccount);
}

#[test]
fn a_ban_begins_and_ends_once_and_nobody_bans_themselves() {
    let (banned, lifted) = (AccountEvent::Banned { by: ADMIN }, AccountEvent::BanLifted { by: ADMIN });
    let (ban, lift) = (AccountCommand::Ban { by: ADMIN }, AccountCommand::LiftBan { by: ADMIN });
    with(vec![]).when((OWNER, ban.clone())).then_expect_events(vec![banned.clone()]);
    with(vec![banned.clone()]).when((OWNER, ban)).then_expect_events(vec![]);
    with(vec![]).when((OWNER, lift.clone())).then_expect_events(vec![]);
    with(vec![banned]).when((OWNER, lift)).then_expect_events(vec![lifted]);
    with(vec![])
        .when((ADMIN, AccountCommand::Ban { by: ADMIN }))
        .then_expect_error(AccountRefused::OwnAccount);
}

#[test]
fn what_the_account_service_reports_is_recorded_while_the_account_is_open() {
    let records = || {
        let sessions = vec![SESSION];
        [
            (AccountCommand::RecordSignIn { session: SESSION }, AccountEvent::SignedIn { session: SESSION }),
            (
                AccountCommand::RecordSignOut { session: SESSION },
                AccountEvent::SignedOut { session: SESSION },
            ),
            (AccountCommand::RecordRefusedSignIns { count: 7 }, AccountEvent::SignInRefused { count: 7 }),
            (
                AccountCommand::RecordRevocation { sessions: sessions.clone(), by: OWNER },
                AccountEvent::SessionsRevoked { sessions, by: OWNER },
            ),
            (AccountCommand::RecordExport, AccountEvent::DataExported),
        ]
    };
    for (command, event) in records() {
        with(vec![]).when((OWNER, command.clone())).then_expect_events(vec![event]);
        with(vec![requested()]).when((OWNER, command)).then_expect_error(AccountRefused::Erasing);
    }
}

#[test]
fn an_account_that_was_never_opened_records_nothing() {
    TestFramework::<Account>::with(())
        .given_no_previous_events()
        .when((OWNER, AccountCommand::RecordSignIn { session: SESSION }))
        .then_expect_error(AccountRefused::NotFound);
}

#[test]
fn immaterial_events_change_nothing() {
    let sessions = vec![SESSION];
    let all = [
        AccountEvent::SignedIn { session: SESSION },
        AccountEvent::SignInRefused { count: 1 },
        AccountEvent::SignedOut { session: SESSION },
        AccountEvent::SessionsRevoked { sessions, by: OWNER },
        AccountEvent::DataExported,
        AccountEvent::AccountInstructed {
            temperature: None,
            private: Private::Open(Instructed { instructions: None }),
        },
    ];
    assert_eq!(all.each_ref().map(AccountEvent::name), *AccountEvent::IMMATERIAL);
    for event in all {
        let mut account = Account::default();
        account.apply(event);
        assert_eq!(account, Account::default());
    }
}
