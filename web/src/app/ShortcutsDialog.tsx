// The keys there are.

import { useText } from "../text/text";
import { Dialog } from "../ui/Dialog";
import styles from "./ShortcutsDialog.module.css";
import { inSigns, SHORTCUTS, type Shortcut } from "./shortcuts";

const NAMES = Object.keys(SHORTCUTS) as Shortcut[];

export default function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  return (
    <Dialog title={text.shortcuts.title} onClose={onClose}>
      <dl className={styles.list}>
        {NAMES.map((name) => (
          <div key={name} className={styles.one}>
            <dt>{text.shortcuts[name]}</dt>
            <dd>
              {inSigns(name).map((sign) => (
                <kbd key={sign}>{sign}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
