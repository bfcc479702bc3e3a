// Runs in a browser, in a page that holds Adaptive Cards and pages of our own. It draws each, presses what can be
// pressed, and leaves in the page, as JSON, what a person sees.
import * as AdaptiveCards from "adaptivecards";

const errors = [];
window.onerror = (message) => errors.push(message);

// Teams reads Markdown in some elements. Strangers' text must stand in none of them.
const markdown = [];
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text) => markdown.push(text);

function shape(root) {
    return Array.from(root.querySelectorAll("*"), (element) => {
        const attributes = Array.from(element.attributes, (attribute) => attribute.name);
        return [element.localName, ...attributes].join(" ");
    });
}

function drawCard(json) {
    const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_4);
    const card = new AdaptiveCards.AdaptiveCard();
    card.parse(json, context);
    const problems = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
    const opened = [];
    card.onExecuteAction = (action) => opened.push([action.title, action.url]);
    const drawn = card.render();
    document.body.append(drawn);
    drawn.querySelectorAll("button").forEach((button) => button.click());
    return { problems, opened, text: drawn.innerText, shape: shape(drawn) };
}

function openPage(html) {
    const frame = document.createElement("iframe");
    frame.srcdoc = html;
    document.body.append(frame);
    return new Promise((resolve) => {
        frame.onload = () => {
            const page = frame.contentDocument;
            const fetched = frame.contentWindow.performance.getEntriesByType("resource").map(({ name }) => name);
            resolve({ fetched, text: page.body.innerText, shape: shape(page) });
        };
    });
}

window.onload = async () => {
    const cards = window.given.cards.map(drawCard);
    const pages = await Promise.all(window.given.pages.map(openPage));
    document.documentElement.innerHTML = "";
    document.body.textContent = JSON.stringify({ errors, markdown, cards, pages })
        .replace(/[&<>\u00a0]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
};
