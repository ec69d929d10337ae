// Starts the page. The theme is set before anything is drawn, so that dark stays dark.
import init from "./overread.js";

const theme = (() => {
  try {
    return localStorage.getItem("overread.theme");
  } catch {
    return null;
  }
})();
if (theme === "light" || theme === "dark") {
  document.documentElement.dataset.theme = theme;
}

init({ module_or_path: new URL("./overread_bg.wasm", import.meta.url) }).catch((error) => {
  const line = document.createElement("p");
  line.setAttribute("role", "alert");
  line.textContent = `The page could not start: ${error}. Reload, or use a newer browser.`;
  document.body.append(line);
});
