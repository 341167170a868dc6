// What is written in mails, in the language of the person's browser: English or German.

/** @typedef {"reset" | "confirm" | "taken" | "unfinished"} LetterKind */
/** @typedef {{ subject: string, text: string }} Letter */

/** How long links are good, as the letters say. */
export const RESET_LINK_LASTS_SECONDS = 3_600;
export const CONFIRMATION_LINK_LASTS_SECONDS = 86_400;

/** @type {Record<"en" | "de", Record<LetterKind, (link: string) => Letter>>} */
const LETTERS = {
  en: {
    reset: (link) => ({
      subject: "Colloquy: choose a new password",
      text: `With this link you can choose a new password. It is good for one hour:\n\n${link}\n\nIf you did not ask for it, there is nothing to do.\n`,
    }),
    confirm: (link) => ({
      subject: "Colloquy: confirm your e-mail address",
      text: `With this link and your password you confirm your e-mail address. It is good for one day:\n\n${link}\n\nIf you did not sign up, there is nothing to do.\n`,
    }),
    taken: (link) => ({
      subject: "Colloquy: you have an account",
      text: `Somebody wanted to sign up with your e-mail address, which has an account already. If it was you, sign in, or choose a new password there:\n\n${link}\n\nIf it was not you, there is nothing to do.\n`,
    }),
    unfinished: (link) => ({
      subject: "Colloquy: finish signing up",
      text: `Somebody signed up with your e-mail address before, and it was not confirmed. If it was you, choose a password with this link; that confirms the address, too. It is good for one hour:\n\n${link}\n\nIf it was not you, there is nothing to do.\n`,
    }),
  },
  de: {
    reset: (link) => ({
      subject: "Colloquy: neues Passwort wählen",
      text: `Mit diesem Link können Sie ein neues Passwort wählen. Er gilt eine Stunde:\n\n${link}\n\nHaben Sie das nicht gewünscht, ist nichts zu tun.\n`,
    }),
    confirm: (link) => ({
      subject: "Colloquy: E-Mail-Adresse bestätigen",
      text: `Mit diesem Link und Ihrem Passwort bestätigen Sie Ihre E-Mail-Adresse. Er gilt einen Tag:\n\n${link}\n\nHaben Sie sich nicht registriert, ist nichts zu tun.\n`,
    }),
    taken: (link) => ({
      subject: "Colloquy: Sie haben ein Konto",
      text: `Jemand wollte sich mit Ihrer E-Mail-Adresse registrieren, für die es schon ein Konto gibt. Waren Sie es, dann melden Sie sich an, oder wählen Sie dort ein neues Passwort:\n\n${link}\n\nWaren Sie es nicht, ist nichts zu tun.\n`,
    }),
    unfinished: (link) => ({
      subject: "Colloquy: Registrierung abschließen",
      text: `Jemand hat sich schon einmal mit Ihrer E-Mail-Adresse registriert, und sie wurde nicht bestätigt. Waren Sie es, dann wählen Sie mit diesem Link ein Passwort; damit ist auch die Adresse bestätigt. Er gilt eine Stunde:\n\n${link}\n\nWaren Sie es nicht, ist nichts zu tun.\n`,
    }),
  },
};

/**
 * @param {LetterKind} kind
 * @param {string} link
 * @param {string | null | undefined} language The header Accept-Language.
 */
export function letter(kind, link, language) {
  const isGerman = language?.trim().toLowerCase().startsWith("de");
  return LETTERS[isGerman ? "de" : "en"][kind](link);
}
