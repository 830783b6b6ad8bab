// Examples to click: data, by the language that they are in.

export const TEXTS = {
  en: [
    "I can't believe you remembered my birthday, thank you so much!",
    "Leave me alone, I have told you a hundred times.",
    "Nobody called. I sat there the whole evening.",
    "What was that noise downstairs?",
    "The meeting was moved to Tuesday.",
  ],
  es: [
    "¡No me puedo creer que te acordaras de mi cumpleaños, muchas gracias!",
    "Déjame en paz, te lo he dicho cien veces.",
    "Nadie llamó. Pasé toda la tarde esperando.",
    "¿Qué ha sido ese ruido?",
    "La reunión se ha pasado al martes.",
  ],
};

export const CONVERSATIONS = {
  en: `Ana: You broke it. My grandmother gave it to me.
Ben: I am so sorry! I did not see it there.
Ana: You never look where you are going!
Ben: I know. I feel terrible about it.
Ana: Wait, what is that in your bag?
Ben: I found the same one at the market this morning.
Ana: You are joking! Oh, thank you, thank you!
Ben: I am glad that you like it.`,
  es: `Ana: Lo has roto. Me lo regaló mi abuela.
Ben: ¡Lo siento muchísimo! No lo vi.
Ana: ¡Nunca miras por dónde vas!
Ben: Lo sé. Me siento fatal.
Ana: Espera, ¿qué llevas en la bolsa?
Ben: Encontré uno igual en el mercado esta mañana.
Ana: ¡No puede ser! ¡Muchas gracias!
Ben: Me alegro de que te guste.`,
};

/** Return the languages of a model's examples, that of the page first if the model knows it. */
export function exampleLanguages(model, page) {
  const known = Object.keys(TEXTS).filter((code) => !model?.languages.length || model.languages.includes(code));
  return known.sort((a, b) => (b === page) - (a === page));
}
