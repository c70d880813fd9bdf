# Which language is it? A bag-of-words classifier, logistic regression over word counts
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(1)

data = [("der hund schläft in der sonne".split(), "GERMAN"),
        ("the dog sleeps in the sun".split(), "ENGLISH"),
        ("ich glaube nicht dass das so gut ist".split(), "GERMAN"),
        ("i do not think that it is so good".split(), "ENGLISH")]

test_data = [("das glaube ich auch nicht".split(), "GERMAN"),
             ("that is what i think".split(), "ENGLISH")]

word_to_ix = {}
for sent, _ in data + test_data:
    for word in sent:
        if word not in word_to_ix:
            word_to_ix[word] = len(word_to_ix)
print(word_to_ix)

VOCAB_SIZE = len(word_to_ix)
NUM_LABELS = 2


class BoWClassifier(nn.Module):
    def __init__(self, num_labels, vocab_size):
        super(BoWClassifier, self).__init__()
        self.linear = nn.Linear(vocab_size, num_labels)

    def forward(self, bow_vec):
        return F.log_softmax(self.linear(bow_vec), dim=1)


def make_bow_vector(sentence, word_to_ix):
    vec = torch.zeros(len(word_to_ix))
    for word in sentence:
        vec[word_to_ix[word]] += 1
    return vec.view(1, -1)


def make_target(label, label_to_ix):
    return torch.LongTensor([label_to_ix[label]])


model = BoWClassifier(NUM_LABELS, VOCAB_SIZE)

# first the matrix A, then the offsets b
for param in model.parameters():
    print(param)

label_to_ix = {"GERMAN": 0, "ENGLISH": 1}
with torch.no_grad():
    sample = data[0]
    bow_vector = make_bow_vector(sample[0], word_to_ix)
    print(bow_vector)
    print(model(bow_vector))
    for instance, label in test_data:
        print(model(make_bow_vector(instance, word_to_ix)))

# what the word "glaube" speaks for, before and after training
print(next(model.parameters())[:, word_to_ix["glaube"]])

loss_function = nn.NLLLoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)
for epoch in range(40):
    for instance, label in data:
        model.zero_grad()
        bow_vec = make_bow_vector(instance, word_to_ix)
        target = make_target(label, label_to_ix)
        loss = loss_function(model(bow_vec), target)
        loss.backward()
        optimizer.step()

with torch.no_grad():
    for instance, label in test_data:
        log_probs = model(make_bow_vector(instance, word_to_ix))
        print(label, log_probs, log_probs.argmax(1) == label_to_ix[label])

# German should have gone up, English down
print(next(model.parameters())[:, word_to_ix["glaube"]])
