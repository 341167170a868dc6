// Turns errors of the account service into texts for the user.

import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import type { Texts } from "../text/text";

export function authErrorMessage(error: unknown, text: Texts): string {
  if (!(error instanceof Problem)) return errorMessage(error, text);
  if (error.status === 429) return text.account.tooManyAttempts;
  switch (error.type) {
    case "INVALID_EMAIL_OR_PASSWORD":
      return text.account.wrongCredentials;
    case "EMAIL_NOT_VERIFIED":
      return text.confirm.needed;
    case "INVITATION_REQUIRED":
      return text.signUp.invitationRequired;
    case "INVITATION_INVALID":
      return text.signUp.invitationInvalid;
    case "EMAIL_DOMAIN_NOT_ALLOWED":
      return text.signUp.domainNotAllowed;
    case "SIGN_UP_CLOSED":
      return text.signUp.closed;
    default:
      return error.type?.startsWith("USER_ALREADY_EXISTS") ? text.account.emailTaken : errorMessage(error, text);
  }
}
