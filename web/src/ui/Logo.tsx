// The logo of Colloquy as an SVG image.

export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path fill="var(--accent)" d="M4 6a3 3 0 0 1 3-3h18a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H15l-7 6v-6H7a3 3 0 0 1-3-3z" />
      <path fill="var(--accent-ink)" d="M10 9h4v4.500L11.500 17H10l1-3.500h-1zm8 0h4v4.500L19.500 17H18l1-3.500h-1z" />
    </svg>
  );
}
