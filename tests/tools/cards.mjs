// Reads Adaptive Cards, one a line, and has Microsoft's own library parse each: what it has against one is printed.
import * as AdaptiveCards from "adaptivecards";
import { readFileSync } from "node:fs";

let problems = 0;
const cards = readFileSync(0, "utf8").split("\n").filter((line) => line !== "");
for (const [index, line] of cards.entries()) {
    const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_4);
    const card = new AdaptiveCards.AdaptiveCard();
    card.parse(JSON.parse(line), context);
    for (let event = 0; event < context.eventCount; event++) {
        problems += 1;
        console.log(`card ${index}: ${context.getEventAt(event).message}`);
    }
}
console.log(`${cards.length} cards, ${problems} problems`);
process.exitCode = cards.length > 0 && problems === 0 ? 0 : 1;
