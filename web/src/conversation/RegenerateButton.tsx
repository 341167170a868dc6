// The button that requests another answer to the same question. With several language models, it opens a menu of them.

import { RefreshCw } from "lucide-react";
import { lazy } from "react";
import { useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import { LazyPopup } from "../ui/LazyPopup";
import { useModelChoices } from "./models";

const ModelMenuPopup = lazy(() => import("./ModelMenuPopup"));

interface Props {
  isBusy: boolean;
  /** The model is undefined where there is no choice. */
  onRegenerate: (model?: string) => void;
}

export function RegenerateButton({ isBusy, onRegenerate }: Props) {
  const { regenerate } = useText().answer;
  const models = useModelChoices();
  if (models.length === 0) {
    return (
      <IconButton label={regenerate} disabled={isBusy} onClick={() => onRegenerate()}>
        <RefreshCw size={16} />
      </IconButton>
    );
  }
  return (
    <LazyPopup
      popup={ModelMenuPopup}
      popupProps={{ models, onChoose: onRegenerate }}
      button={(open) => (
        <IconButton label={regenerate} aria-haspopup="menu" disabled={isBusy} {...(open && { onClick: open })}>
          <RefreshCw size={16} />
        </IconButton>
      )}
    />
  );
}
