"""Helpers of test_language.py."""

SAMPLES = {
    "en": ["I don't know what you want from me.", "That's the best day of my life, and I can't believe it!",
           "She was there with her brother, but they didn't see us."],
    "es": ["No sé qué quieres de mí, pero me da igual.", "¡Es el mejor día de mi vida y no me lo puedo creer!",
           "Estaba allí con su hermano, pero no nos vieron."],
    "fr": ["Je ne sais pas ce que tu veux de moi.", "C'est le plus beau jour de ma vie, je n'y crois pas !",
           "Elle était là avec son frère, mais ils ne nous ont pas vus."],
    "de": ["Ich weiß nicht, was du von mir willst.", "Das ist der schönste Tag und ich kann es nicht glauben!",
           "Sie war mit dem Bruder da, aber sie haben uns nicht gesehen."],
    "CJK": ["我不知道你想从我这里得到什么。", "今天是我一生中最好的一天！", "她和她的哥哥在那里。"],
    "HIRAGANA": ["あなたが何を欲しいのか分かりません。", "今日は人生で一番いい日です！"],
    "ARABIC": ["لا أعرف ماذا تريد مني.", "هذا أجمل يوم في حياتي ولا أصدق ذلك!"],
    "DEVANAGARI": ["मुझे नहीं पता कि तुम मुझसे क्या चाहते हो।", "यह मेरे जीवन का सबसे अच्छा दिन है!"],
    "CYRILLIC": ["Я не знаю, чего ты от меня хочешь.", "Это лучший день в моей жизни!"],
}  # fmt: skip
