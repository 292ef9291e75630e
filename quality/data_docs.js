// What the buttons of the pages do, without the libraries that they would load from elsewhere.
function setSucceededHidden(isHidden) {
  document.querySelectorAll(".ge-section").forEach((section) => {
    const hasPassed = section.querySelector(".text-success") && !section.querySelector(".text-danger, .text-warning");
    section.classList.toggle("is-hidden", Boolean(isHidden && hasPassed));
  });
}
function showAllValidations() { setSucceededHidden(false); }
function hideSucceededValidations() { setSucceededHidden(true); }
document.querySelectorAll("[data-toggle=collapse]").forEach((link) => {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(link.getAttribute("href").slice(1))?.classList.toggle("is-open");
  });
});
