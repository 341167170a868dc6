// Shows something else in place of children that cannot be rendered, so that the rest of the page stays.

import { Component, type ReactNode } from "react";

interface Props {
  fallback: ReactNode;
  /** After a change of this value the children are rendered again. */
  resetKey?: unknown;
  children: ReactNode;
}

interface State {
  hasFailed: boolean;
  resetKey: unknown;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { hasFailed: false, resetKey: this.props.resetKey };

  static getDerivedStateFromError(): Partial<State> {
    return { hasFailed: true };
  }

  static getDerivedStateFromProps({ resetKey }: Props, state: State): Partial<State> | null {
    return resetKey === state.resetKey ? null : { hasFailed: false, resetKey };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? this.props.fallback : this.props.children;
  }
}
