// What the address of a conversation's page names.

export interface ConversationLocation {
  conversationId: string;
  /** Any message of the branch to show. Without it, the newest branch is shown. */
  branch?: string | undefined;
  /** The message to scroll to. */
  message?: string | undefined;
}
