// The menu of language models that a question can be answered with once more.

import { DropdownMenu } from "radix-ui";
import type { ReactElement } from "react";
import type { LanguageModel } from "../api/types";
import menu from "../ui/Menu.module.css";

interface Props {
  models: readonly LanguageModel[];
  onChoose: (model: string) => void;
  button: ReactElement;
}

export default function ModelMenuPopup({ models, onChoose, button }: Props) {
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
      <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
      <DropdownMenu.Content className={menu.menu} align="start" sideOffset={6} collisionPadding={12}>
        {models.map(({ name }) => (
          <DropdownMenu.Item key={name} className={menu.item} onSelect={() => onChoose(name)}>
            {name}
          </DropdownMenu.Item>
        ))}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}
