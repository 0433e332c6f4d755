"use strict";
// Pieces with data-live are fetched anew every few seconds; without this script a page is complete.
(() => {
  const seconds = Number(document.body.dataset.refresh);
  const unreachable = document.getElementById("unreachable");
  const button = document.getElementById("live");
  let refreshing = false;
  let live = sessionStorage.getItem("live") !== "no";

  const isBusy = () => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed;
  };

  const swap = (piece, next) => {
    const focused = piece.contains(document.activeElement) ? document.activeElement : null;
    const open = [...piece.querySelectorAll("details[open][id]")].map((one) => one.id);
    piece.replaceChildren(...next.childNodes);
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    enhance(piece);
    if (!focused) return;
    const same = focused.id
      ? document.getElementById(focused.id)
      : [...piece.querySelectorAll(focused.tagName)].find(
          (one) => one.href === focused.href && one.textContent === focused.textContent);
    same?.focus({ preventScroll: true });
  };

  const refresh = async () => {
    const pieces = [...document.querySelectorAll("[data-live]")];
    if (refreshing || !live || document.hidden || !pieces.length || isBusy()) return;
    refreshing = true;
    try {
      const answer = await fetch(location.href, { redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const piece of pieces) {
        const next = page.getElementById(piece.id);
        if (next && next.innerHTML !== piece.innerHTML) swap(piece, next);
      }
      unreachable.hidden = true;
    } catch {
      unreachable.hidden = false;
    } finally {
      refreshing = false;
    }
  };

  const enhance = (root) => {
    for (const copy of root.querySelectorAll("[data-copy]")) {
      copy.hidden = false;
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(copy.previousElementSibling.textContent);
        const before = copy.textContent;
        copy.textContent = "✓";
        setTimeout(() => { copy.textContent = before; }, 1200);
      });
    }
  };

  const preview = (form) => {
    const target = document.getElementById(form.dataset.preview);
    let timer;
    form.addEventListener("submit", () => clearTimeout(timer));
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const answer = await fetch(form.dataset.previewUrl, { method: "POST", body: new FormData(form) });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const next = page.getElementById(target.id);
        if (next) target.replaceChildren(...next.childNodes);
      }, 350);
    });
  };

  if (button && document.querySelector("[data-live]")) {
    const show = () => button.setAttribute("aria-pressed", String(live));
    button.hidden = false;
    button.addEventListener("click", () => {
      live = !live;
      sessionStorage.setItem("live", live ? "yes" : "no");
      show();
    });
    show();
    setInterval(refresh, seconds * 1000);
  }
  enhance(document);
  document.querySelectorAll("form[data-preview]").forEach(preview);
})();
