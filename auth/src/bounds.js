// Bounds of the fields of a user, for every way in which a user is created or changed.

import { APIError } from "better-auth/api";

const NAME_MAX_LENGTH = 100;
const IMAGE_MAX_LENGTH = 2_048;
/** The longest address that mail can be sent to (RFC 5321, 4.5.3.1.3). */
const EMAIL_MAX_LENGTH = 254;

/**
 * Refuses values out of bounds. A field that is absent is not changed.
 * @param {Record<string, unknown>} user
 */
export function checkUser({ name, email, image }) {
  if (name !== undefined && !isName(name)) {
    refuse("INVALID_NAME", `A name has 1 to ${NAME_MAX_LENGTH} characters and no control characters.`);
  }
  if (typeof email === "string" && email.length > EMAIL_MAX_LENGTH) {
    refuse("INVALID_EMAIL", `An address has at most ${EMAIL_MAX_LENGTH} characters.`);
  }
  if (image !== undefined && image !== null && image !== "" && !isImage(image)) {
    refuse("INVALID_IMAGE", `An image is an http or https address of at most ${IMAGE_MAX_LENGTH} characters.`);
  }
}

/** @param {unknown} name */
function isName(name) {
  return typeof name === "string" && name.trim() !== "" && [...name].length <= NAME_MAX_LENGTH && !/\p{Cc}/u.test(name);
}

/** @param {unknown} image */
function isImage(image) {
  if (typeof image !== "string" || image.length > IMAGE_MAX_LENGTH || !URL.canParse(image)) return false;
  return ["http:", "https:"].includes(new URL(image).protocol);
}

/**
 * @param {string} code
 * @param {string} message
 * @returns {never}
 */
function refuse(code, message) {
  throw new APIError("BAD_REQUEST", { code, message });
}
