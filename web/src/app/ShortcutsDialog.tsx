// The dialog that lists the keyboard shortcuts.

import { useText } from "../text/text";
import { Dialog } from "../ui/Dialog";
import { formatKeys, SHORTCUTS, type Shortcut } from "../ui/shortcuts";
import styles from "./ShortcutsDialog.module.css";

const NAMES: readonly Shortcut[] = ["search", "new", "next", "previous", "stop", "compose", "help"];

export default function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  return (
    <Dialog title={text.shortcuts.title} onClose={onClose}>
      <dl className={styles.list}>
        {NAMES.map((name) => (
          <div key={name} className={styles.shortcut}>
            <dt>{text.shortcuts[name]}</dt>
            <dd>
              {formatKeys(SHORTCUTS[name], isMac).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
