// Says that an answer ends early, and offers to continue it.

import { Scissors } from "lucide-react";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import styles from "./Answer.module.css";

interface Props {
  reason: string;
  isBusy: boolean;
  /** Undefined if the answer is not the last of the conversation. */
  onContinue: (() => void) | undefined;
}

export function CutOff({ reason, isBusy, onContinue }: Props) {
  const { cutOff, cutOffs, goOn } = useText().answer;
  return (
    <div className={styles.cutOff}>
      <p className={styles.stopped}>
        <Scissors size={15} aria-hidden="true" /> {cutOffs[reason] ?? cutOff}
      </p>
      {onContinue && reason !== "filter" && (
        <Button size="small" disabled={isBusy} onClick={onContinue}>
          {goOn}
        </Button>
      )}
    </div>
  );
}
