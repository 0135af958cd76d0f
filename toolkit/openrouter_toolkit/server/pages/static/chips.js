// A text with commas in it, shown as chips, each with a button that takes it away. The field itself holds the text
// that is sent, so that without script the commas do.

for (const field of document.querySelectorAll("[data-chips]")) {
  const entry = field.cloneNode();
  const list = document.createElement("ul");
  const box = document.createElement("div");
  const focused = document.activeElement === field;
  let names = [];

  box.className = "chips-field";
  list.className = "chips";
  list.setAttribute("aria-label", "Chosen users");
  entry.removeAttribute("name");
  entry.value = "";
  field.removeAttribute("id");
  field.type = "hidden";
  field.after(box);
  box.append(list, entry);

  const parts = (text) => text.split(/[,\n\r]/).map((part) => part.trim()).filter(Boolean);
  const remember = () => (field.value = [...new Set([...names, ...parts(entry.value)])].join(", "));

  const show = () => {
    list.replaceChildren(...names.map(chip));
    list.hidden = names.length === 0;
    remember();
  };

  const add = (text) => {
    names = [...new Set([...names, ...parts(text)])];
    show();
  };

  const remove = (name) => {
    names = names.filter((other) => other !== name);
    show();
    entry.focus();
  };

  const chip = (name) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    item.className = "chip";
    button.type = "button";
    button.textContent = "×";
    button.setAttribute("aria-label", `Remove ${name}`);
    button.addEventListener("click", () => remove(name));
    item.append(name, button);
    return item;
  };

  // What stands before the last comma is complete.
  entry.addEventListener("input", () => {
    const end = entry.value.lastIndexOf(",");
    if (end >= 0) {
      const complete = entry.value.slice(0, end);
      entry.value = entry.value.slice(end + 1).trimStart();
      add(complete);
    }
    remember();
  });
  entry.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    if (/[,\n\r]/.test(text)) {
      event.preventDefault();
      const before = entry.value;
      entry.value = "";
      add(before + text);
    }
  });
  entry.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && entry.value.trim()) {
      event.preventDefault();
      finish();
    } else if (event.key === "Backspace" && !entry.value && names.length) {
      event.preventDefault();
      remove(names.at(-1));
    }
  });
  const finish = () => {
    const text = entry.value;
    entry.value = "";
    add(text);
  };
  // Not on the way to a chip's button, which would be gone before it is clicked.
  entry.addEventListener("blur", (event) => box.contains(event.relatedTarget) || finish());
  add(field.value);
  if (focused) {
    entry.focus();
  }
}
