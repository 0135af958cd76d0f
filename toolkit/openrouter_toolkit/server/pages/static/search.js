// Search as you type, and sorting, in the cards that are there. The address keeps both for reload and the back button.

const form = document.querySelector("[data-search]");
const list = document.querySelector("[data-cards]");

if (form && list) {
  const cards = [...list.children];
  const found = document.querySelector("[data-found]");
  const none = document.querySelector("[data-none]");
  const meant = document.querySelector("[data-meant]");
  const input = form.elements.q;
  const sort = form.elements.sort;

  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const byName = (a, b) => a.dataset.name.localeCompare(b.dataset.name);
  const byAccounts = (a, b) => b.dataset.accounts - a.dataset.accounts || byName(a, b);

  const remember = () => {
    for (const link of document.querySelectorAll("[data-tab]")) {
      link.href = address(link.href);
    }
    history.replaceState(history.state, "", address(location.href));
  };

  const address = (from) => {
    const to = new URL(from);
    for (const [name, value, usual] of [["q", input.value.trim(), ""], ["sort", sort.value, "popularity"]]) {
      if (value === usual) {
        to.searchParams.delete(name);
      } else {
        to.searchParams.set(name, value);
      }
    }
    return to.toString();
  };

  const search = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      card.hidden = !words.every((word) => plain(card.dataset.words).includes(word));
      count += card.hidden ? 0 : 1;
    }
    none.hidden = count > 0;
    found.textContent = count === 1 ? "1 tool" : `${count} tools`;
    remember();
    suggest();
  };

  // What was probably meant is the server's to know: it is asked when nothing is found and nobody types any more.
  let asking;
  const suggest = () => {
    clearTimeout(asking);
    meant.hidden = true;
    if (none.hidden) {
      return;
    }
    asking = setTimeout(async () => {
      const asked = location.href;
      const answer = await fetch(asked).then((page) => page.text(), () => "");
      const told = new DOMParser().parseFromString(answer, "text/html").querySelector("[data-meant]");
      if (told && asked === location.href) {
        meant.replaceChildren(...told.childNodes);
        meant.hidden = told.hidden;
      }
    }, 300);
  };

  input.addEventListener("input", search);
  sort.addEventListener("change", () => {
    cards.sort(sort.value === "alphabet" ? byName : byAccounts);
    list.append(...cards);
    remember();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  // Somebody who is quick has typed before this was here.
  if (input.value !== input.defaultValue) {
    search();
  }
}
