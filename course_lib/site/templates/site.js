// A box takes a stop for Tab only while there is something to scroll in it.
const boxes = new ResizeObserver(seen => seen.forEach(({ target: box }) =>
  box.scrollWidth > box.clientWidth ? box.setAttribute("tabindex", "0") : box.removeAttribute("tabindex")));
document.querySelectorAll(".scroll").forEach(box => boxes.observe(box));

// On paper, answers are open.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach(each => each.open = true);
});
addEventListener("afterprint", () => folded.forEach(each => each.open = false));

// The page "Find": show only names that contain what is typed.
const sought = document.getElementById("sought");
if (sought) {
  const names = [...document.querySelectorAll("#entries > li")];
  document.getElementById("filter").hidden = false;
  const filter = () => {
    const letters = sought.value.trim().toLowerCase();
    names.forEach(li => li.hidden = !li.textContent.toLowerCase().includes(letters));
    const left = names.filter(li => !li.hidden).length;
    document.getElementById("found").textContent = `${left} of ${names.length} names`;
    history.replaceState({ sought: sought.value }, "");
  };
  sought.addEventListener("input", filter);
  sought.value = history.state?.sought ?? "";  // whoever comes back goes on
  if (sought.value) filter();
}
