// The address of a conversation's page.

export interface ConversationLocation {
  conversationId: string;
  /** Any message of the branch to show. Without it, the newest branch is shown. */
  branch?: string | undefined;
  /** The message to scroll to. */
  message?: string | undefined;
}
