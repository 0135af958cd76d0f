// Search as you type, categories and sorting, in the cards that are there. The address keeps them for reload and the
// back button.

const form = document.querySelector("[data-search]");
const list = document.querySelector("[data-cards]");

if (form && list) {
  const cards = [...list.children];
  const found = document.querySelector("[data-found]");
  const none = document.querySelector("[data-none]");
  const meant = document.querySelector("[data-meant]");
  const { q, category, sort } = form.elements;

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
    const values = [["q", q.value.trim(), ""], ["category", category.value, ""], ["sort", sort.value, "popularity"]];
    for (const [name, value, usual] of values) {
      if (value === usual) {
        to.searchParams.delete(name);
      } else {
        to.searchParams.set(name, value);
      }
    }
    return to.toString();
  };

  const search = () => {
    const words = plain(q.value).split(/\s+/).filter(Boolean);
    const fits = (card) =>
      words.every((word) => plain(card.dataset.words).includes(word)) &&
      (!category.value || JSON.parse(card.dataset.categories).includes(category.value)) &&
      (words.length > 0 || !("elsewhere" in card.dataset));
    show(cards.filter(fits));
    remember();
    correct();
  };

  const show = (wanted) => {
    for (const card of cards) {
      card.hidden = !wanted.includes(card);
    }
    none.hidden = wanted.length > 0;
    found.textContent = wanted.length === 1 ? "1 tool" : `${wanted.length} tools`;
  };

  // What a misspelt search probably meant is the server's to know: it is asked when nothing is found and nobody types
  // any more.
  let asking;
  const correct = () => {
    clearTimeout(asking);
    meant.hidden = true;
    if (none.hidden) {
      return;
    }
    asking = setTimeout(async () => {
      const asked = location.href;
      const answer = await fetch(asked).then((page) => page.text(), () => "");
      const page = new DOMParser().parseFromString(answer, "text/html");
      const told = page.querySelector("[data-meant]:not([hidden])");
      if (told && asked === location.href) {
        const shown = new Set([...page.querySelectorAll("[data-slug]:not([hidden])")].map((card) => card.dataset.slug));
        show(cards.filter((card) => shown.has(card.dataset.slug)));
        meant.replaceChildren(...told.childNodes);
        meant.hidden = false;
      }
    }, 300);
  };

  q.addEventListener("input", search);
  category.addEventListener("change", search);
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
  if (q.value !== q.defaultValue) {
    search();
  }
}
